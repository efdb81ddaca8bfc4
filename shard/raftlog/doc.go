// Package raftlog is the one log that all Raft groups of a node append to.
//
// Nouns: a *batch* is what one Append makes durable, for any number of groups. It is
// written as a *frame*: a header and *records*, under one checksum. Frames fill
// *segments*, files of a fixed size. A group's log is *cut* where its store has caught up:
// entries up to the cut are not needed. A *head* is all that is known of a group but its
// entries; a *seal* ends a segment that has a successor; a *spare* is a file that waits to
// become a segment.
//
//	 0000000000000007.log                              0000000000000008.log
//	┌────────┬───────┬───────┬───────┬──────┬─ ─ ─┐   ┌────────┬───────┬───────┬─ ─ ─ ─ ─
//	│ header │ heads │ frame │ frame │ seal │     │   │ header │ heads │ frame │ zeros or
//	│  4 KiB │       │       │       │      │     │   │        │       │       │ old bytes
//	└────────┴───────┴───────┴───────┴──────┴─ ─ ─┘   └────────┴───────┴───────┴─ ─ ─ ─ ─
//	  header: "shaleLOG" version log-id segment size first-seq first-needed crc
//
//	  frame, on a 4 KiB boundary:
//	  ┌───────┬────────┬─────┬─────────┬────────┬─────┬─────┬─────────────────────┬───────┐
//	  │ magic │ length │ seq │ segment │ first- │ crc │ crc │ records: kind group │ fill  │
//	  │       │        │     │         │ needed │ rec.│ hdr │ fields …            │ to 4K │
//	  └───────┴────────┴─────┴─────────┴────────┴─────┴─────┴─────────────────────┴───────┘
//
// All checksums are CRC32C, seeded with the log's id. The header's covers the records' and
// the segment and sequence numbers, so that a recycled file's old frames never pass.
//
// # Use
//
//	l, groups, err := raftlog.Open(dir, raftlog.Config{}) // what stands there, by group
//	err = l.Append([]raftlog.Write{{Group: 7, Entries: e, HardState: h}, {Group: 9, …}})
//	l.Cut(7, raftlog.Position{Index: 4711, Term: 6})      // the next Append remembers it
//
// # A torn tail and damage
//
// A frame is written only when the one before it is durable. So where a frame does not
// match its checksum, any later frame header in the segment, and any later segment that
// holds a frame, prove that it was whole and acknowledged: that is damage, and Open
// refuses with a *mvcc.CorruptError. Without such a proof it is what a crash in the middle
// of an Append leaves: nobody was told that it is durable, and it is cut, whole. Open
// and Close write a mark behind what they leave, so that everything found by an Open or
// closed in order has its proof.
//
// One case cannot be told apart: after a crash, damage to the very last batch that was
// acknowledged before it looks like a batch that was torn. Then this replica forgets its
// last promise, which the other replicas' copies outlive; it needs a crash and rot in the
// same few kilobytes at once. Everything older is told.
//
// A file's length never changes, and a segment's name appears only with its header durable,
// so that a short, missing, foreign or empty file is never a crash's work and is refused.
//
// # Space
//
// A segment goes when no group has an entry in it, and when a durable frame says so (its
// first-needed field: so a segment that is lost is told from one that was let go). Heads
// carry HardStates and cuts forward, so only entries hold a segment. A group that stands
// still and holds the oldest one has its entries written again at the next segment's
// begin, once the files take more than four times what is live plus four segments.
//
// # What must hold
//
//   - After Append returns nil, every later Open gives the batch or an error.
//   - A batch is replayed whole or not at all, if it fits a frame (a quarter of a segment,
//     8 MiB at most); a larger one by a prefix whose HardState is never ahead of it.
//   - A failed write or sync poisons the Log; it is never tried again. Open writes the last
//     segment anew before it trusts it: what a failed sync left in the page cache reads
//     well and is nowhere else.
//   - Nothing is ever written into a block that holds synced bytes.
//
// What it does not do: look into entries, know which groups a node should have (the host
// compares them with the shards' folders), or serve reads.
package raftlog
