// Package txn is shale's client API and its transaction coordinator.
package txn
