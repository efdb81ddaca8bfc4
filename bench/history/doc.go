// Package history is what clients saw of their transactions, written down so that it can be
// checked, and checked again.
//
// A Txn is one attempt: what it read and appended, in order; when its client began it and
// heard of its end, by one clock; its timestamps; and its outcome as its client knows it: ok,
// aborted (it must never show) or unknown (it may show). Values are lists, and what a
// transaction writes to a list it appends: then each read tells not only what was there, but
// in which order it came (Kingsbury & Alvaro, "Elle", VLDB 2020).
//
//	workload ──▶ Writer ──▶ FILE, a line each ──▶ Load ──▶ []Txn ──┬─▶ bench/elle    cycles
//	simulator ─────────────────────────────────────────▶ []Txn ────┴─▶ bench/bytime  timestamps
//
// A file begins with a Header and has one JSON object a line:
//
//	{"history":"append","check":"si","seed":7}
//	{"id":"41","process":2,"mode":"optimistic","outcome":"ok","readTS":"41","commitTS":"45",
//	 "begin":1200,"end":3400,"ops":[{"do":"read","key":"a","list":[1]},
//	 {"do":"append","key":"a","value":2}]}
//
// A worked example:
//
//	w, err := history.Create("h.jsonl", history.Header{Kind: "append"})
//	err = w.Write(&history.Txn{…})        // from any goroutine
//	err = w.Close()
//	header, txns, err := history.Load("h.jsonl")
//
// # What holds
//
//   - A value is appended to its key once in the whole history; checkers rely on it.
//   - Load keeps one copy of lists that are each other's beginnings: a history of millions
//     of operations fits in memory, however long its lists have grown.
//   - The last line may be torn: a client that was killed leaves one. Any other is an error.
//   - Create never writes over a file that is there: it may be somebody's evidence.
//
// # What it does not do
//
// It judges nothing. Keys are text; other bytes do not survive JSON.
package history
