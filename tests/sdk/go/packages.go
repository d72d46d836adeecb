// Package sdk only names what go.mod and go.sum pin; tests/sdk/go/run runs the suite of the module.
package sdk

import (
	_ "github.com/Dstack-TEE/dstack/sdk/go/dstack"
	_ "github.com/Dstack-TEE/dstack/sdk/go/tappd"
	_ "github.com/ethereum/go-ethereum/crypto"
)
