// Package routing holds the words that clients and shards both say: which shard has which
// keys, who leads it, and how a request on a wrong way is turned round.
package routing
