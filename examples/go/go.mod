module go-example

go 1.24.0

require (
	github.com/Dstack-TEE/dstack/sdk/go v0.1.0
	github.com/decred/dcrd/dcrec/secp256k1/v4 v4.0.1
)

require (
	github.com/ProjectZKM/Ziren/crates/go-runtime/zkvm_runtime v0.0.0-20251001021608-1fe7b43fc4d6 // indirect
	github.com/ethereum/go-ethereum v1.17.0 // indirect
	github.com/holiman/uint256 v1.3.2 // indirect
	golang.org/x/crypto v0.45.0 // indirect
	golang.org/x/sys v0.39.0 // indirect
)
