// Package mvcc holds the rules of versions, locks, conflicts and garbage: what a prewrite,
// a commit, a rollback and a read mean for the rows of one shard.
package mvcc
