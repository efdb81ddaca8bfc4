// Package shard is one replica of one shard: a state machine that is stepped.
package shard
