//! What an app asks of dstack: quotes that answer a nonce, a key of its own, a TLS key.
//!
//!   GET /quote?nonce=TEXT  a quote whose report data is the nonce, with its event log
//!   GET /key               the public half of the secp256k1 key at the path "example"
//!   GET /certificate       the chain of the TLS key, which HTTPS on port 8443 uses

use std::{convert::Infallible, error::Error, sync::Arc};

use dstack_sdk::{dstack_client::DstackClient, ethereum::to_account};
use dstack_sdk_types::dstack::TlsKeyConfig;
use http_body_util::Full;
use hyper::{body::Bytes, server::conn::http1, service::service_fn, Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use rustls_pki_types::{pem::PemObject, CertificateDer, PrivateKeyDer};
use serde_json::json;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpListener;

type Failure = Box<dyn Error + Send + Sync>;

struct App {
    client: DstackClient,
    chain: String,
}

struct Answer(StatusCode, &'static str, String);

impl App {
    async fn quote(&self, nonce: &str) -> Result<Answer, Failure> {
        if nonce.is_empty() || nonce.len() > 64 {
            return Ok(Answer(StatusCode::BAD_REQUEST, "text/plain", "nonce: 1 to 64 bytes\n".into()));
        }
        let quote = self.client.get_quote(nonce.into()).await?;
        let body = json!({
            "quote": quote.quote,
            "event_log": quote.event_log,
            "report_data": quote.report_data,
            "vm_config": quote.vm_config,
        });
        Ok(Answer(StatusCode::OK, "application/json", body.to_string()))
    }

    async fn public_key(&self) -> Result<Answer, Failure> {
        let key = self.client.get_key(Some("example".into()), None).await?;
        let account = to_account(&key).map_err(|error| error.to_string())?;
        let point = account.credential().verifying_key().to_encoded_point(true);
        let hex: String = point.as_bytes().iter().map(|byte| format!("{byte:02x}")).collect();
        let body = json!({"path": "example", "algorithm": "secp256k1", "public_key": hex});
        Ok(Answer(StatusCode::OK, "application/json", body.to_string()))
    }

    async fn route<B>(&self, request: &Request<B>) -> Result<Answer, Failure> {
        match request.uri().path() {
            "/quote" => {
                let query = request.uri().query().unwrap_or("").as_bytes();
                let nonce = url::form_urlencoded::parse(query).find(|(name, _)| name == "nonce");
                self.quote(&nonce.map(|(_, value)| value).unwrap_or_default()).await
            }
            "/key" => self.public_key().await,
            "/certificate" => Ok(Answer(StatusCode::OK, "application/x-pem-file", self.chain.clone())),
            _ => {
                let text = "see /quote?nonce=TEXT, /key and /certificate\n";
                Ok(Answer(StatusCode::NOT_FOUND, "text/plain", text.into()))
            }
        }
    }

    async fn serve(self: Arc<Self>, stream: impl AsyncRead + AsyncWrite + Unpin) {
        let respond = service_fn(|request| {
            let app = self.clone();
            async move {
                let Answer(status, kind, body) = app.route(&request).await.unwrap_or_else(|error| {
                    eprintln!("{error}");
                    let text = "the guest did not answer\n";
                    Answer(StatusCode::INTERNAL_SERVER_ERROR, "text/plain", text.into())
                });
                let mut response = Response::new(Full::new(Bytes::from(body)));
                *response.status_mut() = status;
                let kind = hyper::header::HeaderValue::from_static(kind);
                response.headers_mut().insert(hyper::header::CONTENT_TYPE, kind);
                Ok::<_, Infallible>(response)
            }
        });
        if let Err(error) = http1::Builder::new().serve_connection(TokioIo::new(stream), respond).await {
            eprintln!("{error}");
        }
    }
}

#[tokio::main]
async fn main() -> Result<(), Failure> {
    let client = DstackClient::new(None);
    let wanted = TlsKeyConfig::builder()
        .subject("example")
        .alt_names(vec!["localhost".into(), "127.0.0.1".into()])
        .usage_ra_tls(true)
        .build();
    let tls = client.get_tls_key(wanted).await?;
    let chain = tls.certificate_chain.concat();
    let certificates = CertificateDer::pem_slice_iter(chain.as_bytes()).collect::<Result<Vec<_>, _>>()?;
    let key = PrivateKeyDer::from_pem_slice(tls.key.as_bytes())?;
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = rustls::ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        .with_no_client_auth()
        .with_single_cert(certificates, key)?;
    let acceptor = tokio_rustls::TlsAcceptor::from(Arc::new(config));

    let app = Arc::new(App { client, chain });
    let plain = TcpListener::bind("0.0.0.0:8080").await?;
    let secure = TcpListener::bind("0.0.0.0:8443").await?;
    println!("serving on 8080 and 8443");
    loop {
        tokio::select! {
            connection = plain.accept() => {
                tokio::spawn(app.clone().serve(connection?.0));
            }
            connection = secure.accept() => {
                let (stream, app, acceptor) = (connection?.0, app.clone(), acceptor.clone());
                tokio::spawn(async move {
                    match acceptor.accept(stream).await {
                        Ok(stream) => app.serve(stream).await,
                        Err(error) => eprintln!("{error}"),
                    }
                });
            }
        }
    }
}
