package server

import (
	"bytes"
	"context"
	"errors"
	"hash/crc32"
	"io"
	"math/rand/v2"
	"net"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"connectrpc.com/connect"
	"github.com/stretchr/testify/require"
	"google.golang.org/protobuf/proto"

	nodev1 "github.com/shaledb/shale/proto/shale/node/v1"
	"github.com/shaledb/shale/proto/shale/node/v1/nodev1connect"
	"github.com/shaledb/shale/rpc/client"
	"github.com/shaledb/shale/shard/routing"
)

// receiver takes raft snapshots and Raft messages in.
type receiver struct {
	noReplicas
	delivered chan delivery
	begun     chan client.SnapshotHeader
	file      bytes.Buffer
	wrote     func(bytes int) // how many there are by now
	ended     chan error
}

// Write takes bytes of the file in.
func (r *receiver) Write(p []byte) (int, error) {
	n, err := r.file.Write(p)
	if r.wrote != nil {
		r.wrote(r.file.Len())
	}
	return n, err
}

type delivery struct {
	from     routing.NodeID
	group    routing.ShardID
	messages [][]byte
}

func (r *receiver) Deliver(from routing.NodeID, group routing.ShardID, messages [][]byte) {
	r.delivered <- delivery{from, group, messages}
}

func (r *receiver) Receive(h client.SnapshotHeader, write func(io.Writer) error) error {
	r.begun <- h
	r.file.Reset()
	err := write(r)
	r.ended <- err
	return err
}

func newReceiver(t *testing.T, change func(*Config)) (*site, *receiver) {
	r := &receiver{delivered: make(chan delivery, 10), begun: make(chan client.SnapshotHeader, 10), ended: make(chan error, 10)}
	st := newSite(t, newWorld(t), func(c *Config) {
		c.Replicas = r
		if change != nil {
			change(c)
		}
	})
	return st, r
}

// newPeer is node 2, which knows node 1 at the address.
func newPeer(t *testing.T, address, cluster string) *client.Peers[*nodev1.Version] {
	p := client.NewPeers[*nodev1.Version](client.Config{ClusterID: cluster, Node: 2, PauseMin: time.Millisecond, PauseMax: time.Millisecond,
		Nodes: map[routing.NodeID]string{1: address}, SnapshotRate: 1 << 30})
	t.Cleanup(p.Close)
	return p
}

func TestRaftMessagesArrive(t *testing.T) {
	st, r := newReceiver(t, nil)
	p := newPeer(t, st.address, clusterID)
	m := &nodev1.Version{Key: []byte("any message does"), Op: 1}
	p.Send(1, 7, []*nodev1.Version{m, m})
	got := <-r.delivered
	require.Equal(t, routing.NodeID(2), got.from)
	require.Equal(t, routing.ShardID(7), got.group)
	require.Len(t, got.messages, 2)
	back := &nodev1.Version{}
	require.NoError(t, proto.Unmarshal(got.messages[1], back))
	require.True(t, proto.Equal(m, back))
	p.Send(3, 7, []*nodev1.Version{m})
	require.EqualValues(t, 1, p.Dropped(), "nobody knows node 3")
}

// Traffic of another cluster is refused: its groups have the same numbers.
func TestForeignTrafficIsRefused(t *testing.T) {
	st, r := newReceiver(t, nil)
	c := nodev1connect.NewPeerServiceClient(st.h2, "http://"+st.address)
	for _, first := range []*nodev1.MessageFrame{
		{From: 2, ClusterId: "cluster-b", Groups: []*nodev1.GroupMessages{{Group: 7, Messages: [][]byte{{1}}}}},
		{ClusterId: clusterID, Groups: []*nodev1.GroupMessages{{Group: 7, Messages: [][]byte{{1}}}}}, // from nobody
	} {
		stream, err := c.Messages(t.Context())
		require.NoError(t, err)
		require.NoError(t, stream.Send(first))
		_, err = stream.CloseAndReceive()
		require.Error(t, err)
	}
	err := newPeer(t, st.address, "cluster-b").SendSnapshot(t.Context(), 1, client.SnapshotHeader{Group: 7, From: 2, Size: 3}, bytes.NewReader([]byte("abc")))
	require.Equal(t, connect.CodeNotFound, connect.CodeOf(err))
	require.Empty(t, r.delivered)
	require.Empty(t, r.begun)
}

// someFile is large enough for several chunks, and not the same everywhere.
func someFile(t *testing.T, size int) []byte {
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	rng := rand.NewChaCha8([32]byte{byte(seed), byte(seed >> 8), byte(seed >> 16)})
	file := make([]byte, size)
	rng.Read(file)
	return file
}

func headerOf(file []byte) client.SnapshotHeader {
	return client.SnapshotHeader{Group: 7, To: 4, From: 2, Message: []byte("announcement"), Size: int64(len(file))}
}

func TestSnapshotArrives(t *testing.T) {
	st, r := newReceiver(t, nil)
	file := someFile(t, 1<<20+17)
	require.NoError(t, newPeer(t, st.address, clusterID).SendSnapshot(t.Context(), 1, headerOf(file), bytes.NewReader(file)))
	require.Equal(t, headerOf(file), <-r.begun)
	require.NoError(t, <-r.ended)
	require.True(t, bytes.Equal(file, r.file.Bytes()))
}

// cutter passes bytes on between a client and a server, until it cuts.
type cutter struct {
	lis net.Listener

	mu    sync.Mutex
	conns []net.Conn
}

func newCutter(t *testing.T, to string) *cutter {
	lis, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	c := &cutter{lis: lis}
	t.Cleanup(func() { lis.Close() })
	go func() {
		for {
			in, err := lis.Accept()
			if err != nil {
				return
			}
			out, err := net.Dial("tcp", to)
			if err != nil {
				in.Close()
				return
			}
			c.mu.Lock()
			c.conns = append(c.conns, in, out)
			c.mu.Unlock()
			go pass(in, out)
			go pass(out, in)
		}
	}()
	return c
}

func pass(from, to net.Conn) {
	io.Copy(to, from)
	to.Close()
}

// cut ends the connections that there are.
func (c *cutter) cut() {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, conn := range c.conns {
		conn.Close()
	}
	c.conns = nil
}

// counted counts how often chunks of a file are read from its beginning.
type counted struct {
	io.ReaderAt
	begun atomic.Int64
}

func (c *counted) ReadAt(p []byte, at int64) (int, error) {
	if at == 0 && len(p) >= 256<<10 { // less is the checksum's
		c.begun.Add(1)
	}
	return c.ReaderAt.ReadAt(p, at)
}

// P23: after a lost connection the sender goes on where the receiver stands; the receiver
// has begun once.
func TestSnapshotGoesOnAfterALostConnection(t *testing.T) {
	st, r := newReceiver(t, nil)
	file := someFile(t, 20<<20) // more than lies in buffers on the way when it is cut
	cut, cuts := newCutter(t, st.address), 0
	r.wrote = func(bytes int) {
		if bytes > (cuts+1)<<19 && cuts < 2 {
			cuts++
			cut.cut()
		}
	}
	read := &counted{ReaderAt: bytes.NewReader(file)}
	require.NoError(t, newPeer(t, cut.lis.Addr().String(), clusterID).SendSnapshot(t.Context(), 1, headerOf(file), read))
	require.Equal(t, 2, cuts)
	<-r.begun
	require.Empty(t, r.begun, "once")
	require.NoError(t, <-r.ended)
	require.True(t, bytes.Equal(file, r.file.Bytes()))
	require.EqualValues(t, 1, read.begun.Load(), "the sender, too, has begun once")
}

// flipped is a file that reads otherwise the second time, as a bad disk or memory may.
type flipped struct {
	io.ReaderAt
	reads atomic.Int32
}

func (f *flipped) ReadAt(p []byte, at int64) (int, error) {
	n, err := f.ReaderAt.ReadAt(p, at)
	if at == 0 && f.reads.Add(1) > 1 {
		p[5] ^= 1
	}
	return n, err
}

// P27: what was damaged on its way is never taken for the file.
func TestDamagedSnapshotIsRefused(t *testing.T) {
	st, r := newReceiver(t, nil)
	file := someFile(t, 1<<20+17)
	err := newPeer(t, st.address, clusterID).SendSnapshot(t.Context(), 1, headerOf(file), &flipped{ReaderAt: bytes.NewReader(file)})
	require.Equal(t, connect.CodeInvalidArgument, connect.CodeOf(err), err)
	require.ErrorContains(t, <-r.ended, "checksum")

	// A single chunk with a wrong sum is not written at all, and the sender may send it again.
	c := nodev1connect.NewPeerServiceClient(st.h2, "http://"+st.address)
	header := &nodev1.SnapshotHeader{ClusterId: clusterID, Group: 7, Size: 3, Sum: crc32.Checksum([]byte("abc"), crc32.MakeTable(crc32.Castagnoli))}
	chunk := func(sum uint32) error {
		stream, err := c.Snapshot(t.Context())
		require.NoError(t, err)
		require.NoError(t, stream.Send(&nodev1.SnapshotChunk{Header: header, Data: []byte("abc"), Sum: sum}))
		_, err = stream.CloseAndReceive()
		return err
	}
	require.Equal(t, connect.CodeDataLoss, connect.CodeOf(chunk(header.Sum^1)))
	require.NoError(t, chunk(header.Sum))
	require.NoError(t, <-r.ended)
	require.Equal(t, "abc", r.file.String())
}

// A sender that never comes back is waited for only so long, and then another may send.
func TestSenderThatIsGoneMakesRoom(t *testing.T) {
	st, r := newReceiver(t, func(c *Config) { c.ReceptionPause, c.ReceptionsMax = 20*time.Millisecond, 1 })
	c := nodev1connect.NewPeerServiceClient(st.h2, "http://"+st.address)
	ctx, cancel := context.WithCancel(t.Context())
	stream, err := c.Snapshot(ctx)
	require.NoError(t, err)
	data := []byte("ab")
	require.NoError(t, stream.Send(&nodev1.SnapshotChunk{Header: &nodev1.SnapshotHeader{ClusterId: clusterID, Group: 8, Size: 9},
		Data: data, Sum: crc32.Checksum(data, crc32.MakeTable(crc32.Castagnoli))}))
	<-r.begun
	cancel()
	var unavailable *routing.UnavailableError
	require.ErrorAs(t, <-r.ended, &unavailable)
	file := []byte("abc")
	p := newPeer(t, st.address, clusterID)
	for {
		err := p.SendSnapshot(t.Context(), 1, headerOf(file), bytes.NewReader(file))
		if err == nil {
			return
		}
		require.False(t, errors.Is(err, context.DeadlineExceeded))
		require.Equal(t, connect.CodeUnavailable, connect.CodeOf(err), err) // a moment too early
	}
}
