package node

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/gofrs/flock"
	"github.com/google/uuid"

	"github.com/shaledb/shale/shard/routing"
)

// identity is DIR/node.json: who this directory is. It is synced before its first use and
// never takes another cluster or node id.
type identity struct {
	StoreID   string         `json:"storeId"` // of the directory, from its first start on
	ClusterID string         `json:"clusterId,omitempty"`
	NodeID    routing.NodeID `json:"nodeId,omitempty"`
	// Peers are the last addresses heard of the other nodes: where to ask after a restart.
	Peers map[routing.NodeID]string `json:"peers,omitempty"`
	// System is the system group's descriptor as last heard.
	System *routing.Descriptor `json:"system,omitempty"`
	// Plan is the cluster that this node is founding, until all of it stands.
	Plan *plan `json:"plan,omitempty"`
}

// member says whether the directory belongs to a cluster.
func (id identity) member() bool { return id.NodeID != 0 }

const (
	identityFile = "node.json"
	lockFile     = "lock"
)

// InUseError: another process has the directory.
type InUseError struct {
	Dir string
	PID string // as that process wrote it; empty: not known
}

func (e *InUseError) Error() string {
	who := "another process"
	if e.PID != "" {
		who = "process " + e.PID
	}
	return fmt.Sprintf("directory %s is in use by %s: stop it, or choose another --store", e.Dir, who)
}

// lockDir takes the directory for this process.
func lockDir(dir string) (*flock.Flock, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("the store's directory: %w", err)
	}
	path := filepath.Join(dir, lockFile)
	lock := flock.New(path)
	ok, err := lock.TryLock()
	if err != nil {
		return nil, fmt.Errorf("lock %s: %w", path, err)
	}
	if !ok {
		pid, _ := os.ReadFile(path)
		return nil, &InUseError{Dir: dir, PID: strings.TrimSpace(string(pid))}
	}
	if err := os.WriteFile(path, fmt.Appendf(nil, "%d\n", os.Getpid()), 0o600); err != nil {
		lock.Unlock()
		return nil, err
	}
	return lock, nil
}

// loadIdentity reads node.json, or makes one with a new store id.
func loadIdentity(dir string) (*identity, error) {
	path := filepath.Join(dir, identityFile)
	raw, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		if _, err := os.Stat(filepath.Join(dir, "shards")); err == nil {
			return nil, fmt.Errorf("%s is missing, but the directory holds shards: put the file back, "+
				"or start with an empty directory", path)
		}
		id := &identity{StoreID: uuid.NewString()}
		return id, id.save(dir)
	}
	if err != nil {
		return nil, err
	}
	id := &identity{}
	if err := json.Unmarshal(raw, id); err != nil || id.StoreID == "" {
		return nil, fmt.Errorf("%s is damaged (%v): put it back from a copy, or start with an empty directory",
			path, err)
	}
	return id, nil
}

// save writes node.json so that a crash leaves the old one or the new one.
func (id identity) save(dir string) error {
	raw, err := json.MarshalIndent(id, "", "  ")
	if err != nil {
		return err
	}
	tmp := filepath.Join(dir, identityFile+".tmp")
	f, err := os.OpenFile(tmp, os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	_, err = f.Write(append(raw, '\n'))
	if err == nil {
		err = f.Sync()
	}
	if e := f.Close(); err == nil {
		err = e
	}
	if err != nil {
		return err
	}
	if err := os.Rename(tmp, filepath.Join(dir, identityFile)); err != nil {
		return err
	}
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	defer d.Close()
	return d.Sync()
}
