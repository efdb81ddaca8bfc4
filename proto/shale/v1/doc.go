// Package shalev1 is generated from the .proto files beside it: the public messages and
// services, as the contract names them. Only the packages below rpc and the commands use it.
// It does no checking: rpc/wire does, on the way in.
package shalev1
