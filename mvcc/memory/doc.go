// Package memory is the reference store: one replica's rows in ordered maps, as plain as
// they can be, so that what it answers can be seen to be right. Scripts and simulations run
// on it; the SQLite store must answer the same.
//
//	versions  key, commit_ts descending, start_ts ─┐
//	marks     key, commit_ts descending, start_ts  ├─ ordered maps, copied on write
//	locks     key                                  │
//	records   key, start_ts                        │
//	values    id                                  ─┘
//
// A view is a copy of the maps at the moment it was opened; copying costs nothing until
// somebody writes. There are no checksums here, because there is nothing to rot.
//
// A flush that was not durable may be lost with the power: AfterPowerLoss is the store as
// it would be found then, at the last durable flush.
package memory
