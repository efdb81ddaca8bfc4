// Package nodev1 is generated from the .proto files beside it: what the nodes of a cluster
// and the Go client say to each other. Only the packages below rpc use it. Nothing here is
// promised to anybody outside of one release.
package nodev1
