// Package timestamp is time as transactions see it: the Timestamp type, the oracle that
// hands timestamps out, and the client that asks for many at once.
package timestamp
