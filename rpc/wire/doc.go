// Package wire is the bridge between protobuf and the types of mvcc, shard/routing and
// shard/directory: the only place where one becomes the other, and the only place where an
// error becomes a code or comes back from one.
//
// Its nouns:
//
//   - a request or response: routing.Request and routing.Response, pointers to Args and
//     Results, which travel as the oneof of a nodev1.Call or nodev1.Reply;
//   - an error's row: its kind between nodes, and its code, reason and hint towards the
//     public (errors.go: one table);
//   - a Handle: what a public Txn says, with its checksum verified (handle.go); the other
//     messages of the public services are in public.go.
//
// The way of one call:
//
//	txn ── routing.Call ──▶ EncodeCall ══ CallFrame ══▶ DecodeCall ──▶ shard.Replica
//	txn ◀── Res or Err ─── DecodeReply ══ ReplyFrame ══ EncodeReply ◀── Res or Err
//
// and of one public error:
//
//	*mvcc.WriteConflictError ──▶ Public ──▶ aborted, "WRITE_CONFLICT: write conflict on k: …",
//	                                        ErrorDetail{reason, key, txnId, hint}
//
// # Invariants
//
// What Encode takes, Decode gives back equal; a type that the table or the switches do not
// know is an error or of kind internal, never silently another. Decode accepts any bytes
// that protobuf accepts and answers what it cannot use with a *mvcc.InvalidError; it never
// panics (fuzzed). Keys are copied into strings; values are shared with the message, which
// is why nobody may change or reuse a message after it was decoded. A handle of another
// version, cluster or with a flipped bit is refused, and the refusal says which; it stays
// below 13 KiB whatever a transaction claims. What the public hears of an error is bounded, too.
//
// # What it does not do
//
// No sockets, no retries, no routing decisions, no authorisation: see rpc/client and
// rpc/server.
package wire
