// What an app asks of dstack: quotes that answer a nonce, a key of its own, a TLS key.
//
//	GET /quote?nonce=TEXT  a quote whose report data is the nonce, with its event log
//	GET /key               the public half of the secp256k1 key at the path "example"
//	GET /certificate       the chain of the TLS key, which HTTPS on port 8443 uses
package main

import (
	"context"
	"crypto/tls"
	"encoding/hex"
	"encoding/json"
	"io"
	"log"
	"net/http"
	"strings"

	"github.com/Dstack-TEE/dstack/sdk/go/dstack"
	"github.com/decred/dcrd/dcrec/secp256k1/v4"
)

type app struct {
	client *dstack.DstackClient
	chain  string
}

func (a *app) quote(w http.ResponseWriter, r *http.Request) {
	nonce := r.URL.Query().Get("nonce")
	if len(nonce) < 1 || len(nonce) > 64 {
		http.Error(w, "nonce: 1 to 64 bytes", http.StatusBadRequest)
		return
	}
	quote, err := a.client.GetQuote(r.Context(), []byte(nonce))
	answer(w, quote, err)
}

func (a *app) key(w http.ResponseWriter, r *http.Request) {
	key, err := a.client.GetKey(r.Context(), "example", "", "secp256k1")
	if err != nil {
		answer(w, nil, err)
		return
	}
	secret, err := key.DecodeKey()
	point := secp256k1.PrivKeyFromBytes(secret).PubKey().SerializeCompressed()
	answer(w, map[string]string{
		"path":       "example",
		"algorithm":  "secp256k1",
		"public_key": hex.EncodeToString(point),
	}, err)
}

func (a *app) certificate(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "application/x-pem-file")
	_, _ = io.WriteString(w, a.chain)
}

func answer(w http.ResponseWriter, value any, err error) {
	if err != nil {
		log.Print(err)
		http.Error(w, "the guest did not answer", http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(value)
}

func main() {
	client := dstack.NewDstackClient()
	key, err := client.GetTlsKey(context.Background(),
		dstack.WithSubject("example"),
		dstack.WithAltNames([]string{"localhost", "127.0.0.1"}),
		dstack.WithUsageRaTls(true),
		dstack.WithUsageServerAuth(true))
	if err != nil {
		log.Fatal(err)
	}
	a := &app{client: client, chain: strings.Join(key.CertificateChain, "")}
	pair, err := tls.X509KeyPair([]byte(a.chain), []byte(key.Key))
	if err != nil {
		log.Fatal(err)
	}

	http.HandleFunc("/quote", a.quote)
	http.HandleFunc("/key", a.key)
	http.HandleFunc("/certificate", a.certificate)
	https := &http.Server{
		Addr:      ":8443",
		TLSConfig: &tls.Config{Certificates: []tls.Certificate{pair}, MinVersion: tls.VersionTLS12},
	}
	go func() { log.Fatal(https.ListenAndServeTLS("", "")) }()
	log.Print("serving on 8080 and 8443")
	log.Fatal(http.ListenAndServe(":8080", nil))
}
