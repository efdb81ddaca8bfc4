package main

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	shalev1 "github.com/shaledb/shale/proto/shale/v1"
	"github.com/shaledb/shale/timestamp"
)

func newLockCommand() *cobra.Command {
	return group("lock", "Look at the locks that stand, resolve those left behind", newLockLsCommand(), newLockResolveCommand())
}

// partial says that shards did not answer: what was printed is not all.
func partial(what string, unreachable []uint64) error {
	if len(unreachable) == 0 {
		return nil
	}
	shards := make([]string, len(unreachable))
	for i, id := range unreachable {
		shards[i] = decimal(id)
	}
	return &unreachableError{Said: []error{fmt.Errorf("the %s of shard %s are missing, which did not answer; shale status says why",
		what, strings.Join(shards, ", "))}}
}

// kindOf is a lock's kind in a word.
func kindOf(l *shalev1.Lock) string {
	kind := strings.ToLower(strings.TrimPrefix(l.Kind.String(), "LOCK_KIND_"))
	if l.Async {
		kind += ", async"
	}
	return kind
}

// left is the time until a timestamp, by the oracle's clock.
func left(until, now uint64) string {
	if now == 0 || until == 0 {
		return "?"
	}
	d := timestamp.Timestamp(until).Time().Sub(timestamp.Timestamp(now).Time())
	if d < 0 {
		return "over since " + short(-d)
	}
	return "in " + short(d)
}

// age is how long ago a timestamp was given, by the oracle's clock.
func age(ts, now uint64) string {
	if now == 0 {
		return "?"
	}
	return short(max(timestamp.Timestamp(now).Time().Sub(timestamp.Timestamp(ts).Time()), 0))
}

// short is a duration with about three digits.
func short(d time.Duration) string {
	switch {
	case d < time.Second:
		return d.Round(time.Millisecond).String()
	case d < time.Minute:
		return d.Round(100 * time.Millisecond).String()
	}
	return d.Round(time.Second).String()
}

// pagesMax bounds how many pages a listing asks for.
const pagesMax = 100

// listLocks lists all locks of a span, page by page, up to limit (zero: all that pages give).
func listLocks(ctx context.Context, conn *connection, req *shalev1.ListLocksRequest, limit uint32) (*shalev1.ListLocksResponse, error) {
	all := &shalev1.ListLocksResponse{}
	for range pagesMax {
		if limit > 0 {
			req.Limit = limit - uint32(len(all.Locks))
		}
		page, err := anyHost(ctx, conn, func(ctx context.Context, host string) (*shalev1.ListLocksResponse, error) {
			return conn.cluster(host).ListLocks(ctx, req)
		})
		if err != nil {
			return nil, err
		}
		all.Locks = append(all.Locks, page.Locks...)
		for _, id := range page.Unreachable {
			if !slices.Contains(all.Unreachable, id) {
				all.Unreachable = append(all.Unreachable, id)
			}
		}
		all.Timestamp, all.More, all.ResumeKey = page.Timestamp, page.More, page.ResumeKey
		if !page.More || limit > 0 && uint32(len(all.Locks)) >= limit {
			break
		}
		req.Start = page.ResumeKey
	}
	return all, nil
}
