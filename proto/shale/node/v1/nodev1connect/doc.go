// Package nodev1connect is generated: handlers and clients of the services between nodes.
// With the generator's option simple, a handler and a client have the same signatures.
package nodev1connect
