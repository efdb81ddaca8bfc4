// Package shalev1connect is generated: handlers and clients of the public services. With the
// generator's option simple, a handler and a client have the same signatures.
package shalev1connect
