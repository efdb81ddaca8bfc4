package main

import (
	"maps"
	"slices"
	"strconv"
	"strings"
)

// layers says which of our packages each package may import. What stands in no list is
// refused, and so is a package that is no layer. A star at the end stands for every package
// that begins so. Test files are not bound: a test may build its world from what it likes.
func layers() map[string][]string {
	sql, vocabulary := "mvcc/sqlite", []string{"timestamp", "mvcc", "shard/routing"}
	with := func(more ...string) []string { return append(slices.Clone(vocabulary), more...) }
	return map[string][]string{
		"timestamp":         {},
		"mvcc":              {"timestamp"},
		"mvcc/memory":       {"timestamp", "mvcc"},
		sql:                 {"timestamp", "mvcc"},
		"mvcc/mvcctest":     {"timestamp", "mvcc"},
		"shard/routing":     {"timestamp", "mvcc"},
		"shard/directory":   vocabulary,
		"shard/raftlog":     {"mvcc", "shard/routing"},
		"shard":             with("shard/directory", "shard/deadlock", "shard/logpb"),
		"shard/deadlock":    {"timestamp", "mvcc"},
		"shard/logpb":       {},
		"shard/meter":       {},
		"shard/shardtest":   with("shard/directory", "shard", "mvcc/memory"),
		"shard/host":        with("shard/directory", "shard", "shard/raftlog", "shard/meter", sql),
		"txn":               vocabulary,
		"proto/shale/v1":    {},
		"proto":             {},
		"proto/*":           {"proto/*"},
		"rpc/wire":          with("shard/directory", "proto/*"),
		"rpc/client":        with("shard/directory", "shard/meter", "proto/*", "rpc/wire"),
		"rpc/server":        with("shard/directory", "shard/meter", "proto/*", "rpc/wire", "rpc/client", "txn", "shard", "shard/host"),
		"rpc/node":          with("shard*", "proto/*", "rpc/*", "txn", "mvcc/*"),
		"bench":             with("txn", "bench/*"),
		"bench/sim":         with("shard*", "mvcc/*", "txn", "bench/*"),
		"bench/sim/mutants": {},
		"bench/history":     {"timestamp", "mvcc"},
		"bench/elle":        {"mvcc", "bench/history"},
		"bench/bytime":      {"timestamp", "mvcc", "bench/history"},
		"bench/register":    {"mvcc", "bench/history"},
		"bench/isolation":   {}, // tests alone
		"bench/peers":       with("txn", "bench"),
		"cmd/shale":         {"*"},
		"cmd/shale/virtual": {},
		"cmd/shale/tables":  {"*"},
		"cmd/shale/shell":   {"cmd/shale/output", "cmd/shale/virtual", "timestamp", "mvcc"},
		"cmd/shale/shell/*": {"cmd/shale/output"},
		"cmd/shale/output":  {"timestamp", "mvcc"},
		"cmd/tidy":          {},
		"tools/*":           {},
	}
}

// doors are single files that may import more than their package: a door for programs, not
// a layer. txn.Open dials hosts, which only rpc/client can.
func doors() map[string][]string {
	return map[string][]string{"txn/open.go": {"rpc/client"}}
}

// keepers names the only packages that may import a library. Its meaning, not its bytes,
// leaves them.
func keepers() map[string][]string {
	return map[string][]string{
		"modernc.org/sqlite":                  {"mvcc/sqlite", "cmd/shale", "cmd/shale/virtual"},
		"github.com/jmoiron/sqlx":             {"mvcc/sqlite", "cmd/shale", "cmd/shale/tables"},
		"go.etcd.io/raft/v3":                  {"shard", "shard/*", "rpc/server", "rpc/node", "rpc/wire", "bench/sim"},
		"connectrpc.com/connect":              {"proto/*", "rpc/*", "cmd/shale", "cmd/shale/tables"},
		"github.com/spf13/cobra":              {"cmd/shale"},
		"github.com/stretchr/testify":         {"mvcc/mvcctest", "shard/shardtest", "bench/sim"},
		"go.etcd.io/etcd/client/v3":           {"bench/peers"},
		"github.com/jedib0t/go-pretty":        {"cmd/shale", "cmd/shale/output", "bench"},
		"github.com/anishathalye/porcupine":   {"bench/register"},
		"github.com/prometheus/client_golang": {"rpc/server", "rpc/node"},
		// Spans are made with the API; what becomes of them is the program's matter.
		"go.opentelemetry.io/otel":     {"txn", "rpc/*", "cmd/shale"},
		"go.opentelemetry.io/otel/sdk": {"cmd/shale"},
	}
}

// leanPackages must be usable in a client program, which links neither SQLite nor Raft:
// neither they nor what they import may reach those libraries.
func leanPackages() []string { return []string{"txn", "rpc/client", "rpc/wire"} }

// checkImports holds the layers apart.
func checkImports(t *Tree) []Problem {
	var out []Problem
	layers, doors, keepers := layers(), doors(), keepers()
	for _, f := range t.Go {
		if f.Test {
			continue
		}
		allowed, known := lookUp(layers, f.Dir())
		if !known {
			out = append(out, t.at(f, f.AST.Name, "package %s is no layer; give it a place in cmd/tidy/rule_imports.go", f.Dir()))
			continue
		}
		for _, imp := range f.AST.Imports {
			p, _ := strconv.Unquote(imp.Path.Value)
			if own, ok := strings.CutPrefix(p, modulePath+"/"); ok {
				if own != f.Dir() && !matches(allowed, own) && !matches(doors[f.Path], own) {
					out = append(out, t.at(f, imp, "%s may not import %s", f.Dir(), own))
				}
				continue
			}
			for library, keeper := range keepers {
				if (p == library || strings.HasPrefix(p, library+"/")) && !matches(keeper, f.Dir()) {
					out = append(out, t.at(f, imp, "%s may not import %s", f.Dir(), p))
				}
			}
		}
	}
	return append(out, checkLean(t)...)
}

// checkLean follows the imports of the lean packages to the end.
func checkLean(t *Tree) []Problem {
	var out []Problem
	packages := t.Packages()
	for _, start := range leanPackages() {
		via := map[string]string{start: start} // package → the way to it
		queue := []string{start}
		for len(queue) > 0 {
			dir := queue[0]
			queue = queue[1:]
			for p, at := range importsOf(t, packages[dir]) {
				if heavy(p) {
					at.What = "a client program would link " + p + " by way of " + via[dir]
					out = append(out, at)
				}
				own, ok := strings.CutPrefix(p, modulePath+"/")
				if ok && via[own] == "" {
					via[own] = via[dir] + " → " + own
					queue = append(queue, own)
				}
			}
		}
	}
	return out
}

func heavy(p string) bool {
	return strings.HasPrefix(p, "modernc.org/") || strings.HasPrefix(p, "go.etcd.io/raft/")
}

// importsOf gathers the import paths of the files, with one place for each.
func importsOf(t *Tree, files []*File) map[string]Problem {
	out := map[string]Problem{}
	for _, f := range files {
		for _, imp := range f.AST.Imports {
			if p, _ := strconv.Unquote(imp.Path.Value); out[p].Path == "" {
				out[p] = t.at(f, imp, "")
			}
		}
	}
	return out
}

// lookUp finds the folder's list: its own, or else the longest pattern's.
func lookUp(layers map[string][]string, dir string) ([]string, bool) {
	if list, ok := layers[dir]; ok {
		return list, true
	}
	for _, pattern := range slices.Backward(slices.Sorted(maps.Keys(layers))) {
		if matches([]string{pattern}, dir) {
			return layers[pattern], true
		}
	}
	return nil, false
}

// matches says whether one of the patterns is p, or ends in a star and begins p.
func matches(patterns []string, p string) bool {
	return slices.ContainsFunc(patterns, func(pattern string) bool {
		prefix, star := strings.CutSuffix(pattern, "*")
		return pattern == p || star && strings.HasPrefix(p, prefix)
	})
}
