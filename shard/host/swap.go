package host

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/shaledb/shale/shard/routing"
)

// The folders of a shard, all beside each other so that renames stay within one directory:
//
//	ID            in use
//	ID.new        being built; worth nothing until it has its marker or its name
//	ID.install    the marker: ID.new is whole, and replaces ID
//	ID.old        what was replaced
//	ID.copy-N     a copy on its way to another node
//	ID.recv-N     a file on its way in
//
// An install goes: build ID.new, sync it; make the marker, sync the directory; ID → ID.old;
// ID.new → ID; sync the directory; remove the marker and ID.old. Whatever moment a crash
// picks, finishSwaps ends it.
const (
	suffixNew     = ".new"
	suffixInstall = ".install"
	suffixOld     = ".old"
	suffixCopy    = ".copy-"
	suffixRecv    = ".recv-"

	dbName  = "shard.db"
	ownName = "own"
)

func (h *Host) shardsDir() string { return filepath.Join(h.cfg.Dir, "shards") }

func (h *Host) shardDir(id routing.ShardID) string {
	return filepath.Join(h.shardsDir(), strconv.FormatUint(uint64(id), 10))
}

func (h *Host) dbFile(id routing.ShardID) string { return filepath.Join(h.shardDir(id), dbName) }

// markNew declares ID.new whole: from here on it replaces ID, whatever happens.
func (h *Host) markNew(id routing.ShardID) error {
	dir := h.shardDir(id)
	if err := syncPath(dir + suffixNew); err != nil {
		return err
	}
	f, err := os.OpenFile(dir+suffixInstall, os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	if err := f.Sync(); err != nil {
		f.Close()
		return err
	}
	if err := f.Close(); err != nil {
		return err
	}
	return syncPath(h.shardsDir())
}

// swap puts a marked ID.new in the place of ID. It may be repeated from any point.
func (h *Host) swap(id routing.ShardID) error {
	dir := h.shardDir(id)
	if exists(dir + suffixNew) {
		if exists(dir) {
			if err := os.RemoveAll(dir + suffixOld); err != nil {
				return err
			}
			if err := os.Rename(dir, dir+suffixOld); err != nil {
				return err
			}
		}
		if err := os.Rename(dir+suffixNew, dir); err != nil {
			return err
		}
	}
	if err := syncPath(h.shardsDir()); err != nil {
		return err
	}
	if err := os.RemoveAll(dir + suffixInstall); err != nil {
		return err
	}
	if err := os.RemoveAll(dir + suffixOld); err != nil {
		return err
	}
	return syncPath(h.shardsDir())
}

// finishSwaps ends or discards what a crash left half done, and lists the shards.
func (h *Host) finishSwaps() ([]routing.ShardID, error) {
	if err := os.MkdirAll(h.shardsDir(), 0o700); err != nil {
		return nil, err
	}
	names, err := os.ReadDir(h.shardsDir())
	if err != nil {
		return nil, err
	}
	for _, e := range names {
		base, ok := strings.CutSuffix(e.Name(), suffixInstall)
		if !ok {
			continue
		}
		id, err := strconv.ParseUint(base, 10, 64)
		if err != nil {
			continue
		}
		if err := h.swap(routing.ShardID(id)); err != nil {
			return nil, fmt.Errorf("finish the install of shard %d: %w", id, err)
		}
	}
	return h.listShards()
}

// listShards removes leftovers and returns the ids whose folders are in use.
func (h *Host) listShards() ([]routing.ShardID, error) {
	names, err := os.ReadDir(h.shardsDir())
	if err != nil {
		return nil, err
	}
	var ids []routing.ShardID
	for _, e := range names {
		base, rest, found := strings.Cut(e.Name(), ".")
		id, err := strconv.ParseUint(base, 10, 64)
		if err != nil {
			continue // not ours: left alone
		}
		if found && leftover("."+rest) {
			if err := os.RemoveAll(filepath.Join(h.shardsDir(), e.Name())); err != nil {
				return nil, err
			}
			continue
		}
		if !found && e.IsDir() {
			ids = append(ids, routing.ShardID(id))
		}
	}
	return ids, nil
}

func leftover(suffix string) bool {
	return suffix == suffixNew || suffix == suffixOld || strings.HasPrefix(suffix, suffixCopy) ||
		strings.HasPrefix(suffix, suffixRecv)
}

func exists(path string) bool {
	_, err := os.Lstat(path)
	return err == nil
}

// syncPath makes a directory's entries, or a file's bytes, durable.
func syncPath(path string) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	err = f.Sync()
	if e := f.Close(); err == nil {
		err = e
	}
	return err
}

// own declares the shard's file this node's own.
func (h *Host) own(id routing.ShardID) error {
	if h.owns(id) {
		return nil
	}
	return h.writeOwn(h.shardDir(id))
}

func (h *Host) writeOwn(dir string) error {
	path := filepath.Join(dir, ownName)
	if err := os.WriteFile(path, h.ownText(), 0o600); err != nil {
		return err
	}
	if err := syncPath(path); err != nil {
		return err
	}
	return syncPath(dir)
}

func (h *Host) owns(id routing.ShardID) bool {
	raw, err := os.ReadFile(filepath.Join(h.shardDir(id), ownName))
	return err == nil && bytes.Equal(raw, h.ownText())
}

func (h *Host) ownText() []byte { return fmt.Appendf(nil, "node %d\n", h.cfg.Node) }
