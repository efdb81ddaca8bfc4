package main

import (
	"context"
	"time"

	"github.com/shaledb/shale/cmd/shale/shell"
	"github.com/shaledb/shale/cmd/shale/tables"
	"github.com/shaledb/shale/cmd/shale/virtual"
	"github.com/shaledb/shale/shard/routing"
)

// looks opens what a shell's statements run on. What it has opened it closes at the end: a
// session that was left with .use may be come back to.
type looks struct {
	conn     *connection
	rows     int // of one answer from inside a file
	write    bool
	patience time.Duration

	cluster shell.Engine
	closers []func()
}

// use opens a place, or comes back to the cluster.
func (l *looks) use(ctx context.Context, t shell.Target) (shell.Engine, error) {
	switch {
	case t.Shard != 0:
		return l.inside(ctx, t)
	case t.Node != 0:
		files, err := tables.OpenReplica(ctx, l.config(), routing.NodeID(t.Node))
		if err != nil {
			return nil, err
		}
		return l.session(files, nil)
	case l.cluster != nil:
		return l.cluster, nil
	}
	cluster, err := tables.OpenCluster(ctx, l.config())
	if err != nil {
		return nil, err
	}
	l.closers = append(l.closers, cluster.Close)
	l.cluster, err = l.session(cluster, beginner(cluster.DB()))
	return l.cluster, err
}

func (l *looks) config() tables.Config {
	return tables.Config{Hosts: l.conn.hosts, HTTP: l.conn.http, Patience: l.patience}
}

// inside is one replica of a shard. That it is there is checked now, not at the first
// statement.
func (l *looks) inside(ctx context.Context, t shell.Target) (shell.Engine, error) {
	look := &replicaInspector{conn: l.conn, shard: t.Shard, node: t.Node, rows: l.rows}
	if _, err := look.inspect(ctx, "SELECT 1"); err != nil {
		return nil, err
	}
	return rawEngine{look}, nil
}

// store is a node's directory.
func (l *looks) store(dir string) (shell.Engine, error) {
	files, err := tables.OpenStore(dir)
	if err != nil {
		return nil, err
	}
	return l.session(files, nil)
}

// declared is what package tables opens.
type declared interface {
	Tables() []*virtual.Table
	Functions() []*virtual.Function
}

func (l *looks) session(d declared, begin func(context.Context) (virtual.Transaction, error)) (shell.Engine, error) {
	s, err := virtual.Open(virtual.Config{Tables: d.Tables(), Functions: d.Functions(), Begin: begin})
	if err != nil {
		return nil, err
	}
	s.SetWrite(l.write && begin != nil)
	// It rolls an open transaction back, which expires in any case.
	l.closers = append(l.closers, func() { _ = s.Close() })
	return shell.Session{Session: s}, nil
}

// close closes the sessions, then what they stood on.
func (l *looks) close() {
	for i := len(l.closers) - 1; i >= 0; i-- {
		l.closers[i]()
	}
	l.closers = nil
}
