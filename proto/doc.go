// Package proto is the root of shale's .proto files and of the code generated from them: the
// only place where protobuf types are defined. Nothing but rpc looks at them.
//
//	shale/v1        the public services and messages        shalev1, shalev1connect
//	shale/node/v1   what nodes and the Go client say        nodev1,  nodev1connect
//	                to each other; may change at any time
//
// To change a message, edit its .proto file and run `make generate`: it needs a Go toolchain
// and nothing else. `make check-generated` fails where the committed code is stale. Field
// numbers are never used again.
//
// The package itself holds no code.
package proto

//go:generate go run -C ../tools ./generate ../proto
