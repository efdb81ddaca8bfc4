package tables

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"

	"github.com/shaledb/shale/mvcc/sqlite"
	"github.com/shaledb/shale/shard/routing"
)

// store is a node's directory, or one shard's file.
type store struct {
	paths map[routing.ShardID]string
	own   routing.NodeID
}

// OpenStore reads the files of a node's directory, DIR/shards/*/shard.db, together, or one such
// file. Nothing is written; the node may run, or be dead. Every page and row is checked
// against its sum.
func OpenStore(path string) (*Files, error) {
	st, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	s := &store{paths: map[routing.ShardID]string{}}
	if !st.IsDir() {
		id, err := shardOf(path)
		if err != nil {
			return nil, err
		}
		s.paths[id] = path
		return &Files{&files{s}}, nil
	}
	found, err := filepath.Glob(filepath.Join(path, "shards", "*", "shard.db"))
	if err != nil {
		return nil, err
	}
	for _, p := range found {
		id, err := strconv.ParseUint(filepath.Base(filepath.Dir(p)), 10, 64)
		if err == nil && id > 0 {
			s.paths[routing.ShardID(id)] = p
		}
	}
	if len(s.paths) == 0 {
		return nil, fmt.Errorf("%s holds no shards: name a node's --store directory, in which there is shards/ID/shard.db", path)
	}
	s.own, err = nodeOf(path)
	return &Files{&files{s}}, err
}

// nodeOf is the node whose directory it is; without the node's own word none.
func nodeOf(dir string) (routing.NodeID, error) {
	path := filepath.Join(dir, "node.json")
	text, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return 0, nil
	}
	var who struct{ NodeID routing.NodeID }
	if err == nil {
		err = json.Unmarshal(text, &who)
	}
	if err != nil {
		return 0, fmt.Errorf("%s: %w", path, err)
	}
	return who.NodeID, nil
}

// shardOf is the shard whose file it is.
func shardOf(path string) (routing.ShardID, error) {
	res, err := sqlite.Inspect(context.Background(), path, "SELECT value FROM meta WHERE name = 'shard'", sqlite.Limits{})
	if err != nil {
		return 0, err
	}
	if len(res.Rows) == 1 {
		if n, ok := tsOf(string(raw(res.Rows[0][0]))); ok && n > 0 {
			return routing.ShardID(n), nil
		}
	}
	return 0, fmt.Errorf("%s does not say whose shard it is: it is no shard's file", path)
}

func (s *store) shards(context.Context) ([]routing.ShardID, error) {
	var out []routing.ShardID
	for id := range s.paths {
		out = append(out, id)
	}
	slices.Sort(out)
	return out, nil
}

func (s *store) look(ctx context.Context, id routing.ShardID, sql string, rows int) (*sqlite.Result, error) {
	return sqlite.Inspect(ctx, s.paths[id], sql, sqlite.Limits{Rows: rows})
}

func (s *store) size(id routing.ShardID) int64 {
	st, err := os.Stat(s.paths[id])
	if err != nil {
		return 0
	}
	return st.Size()
}

func (s *store) node() routing.NodeID { return s.own }
