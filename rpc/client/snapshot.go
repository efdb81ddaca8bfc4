package client

import (
	"context"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"net/http"
	"time"

	"connectrpc.com/connect"

	nodev1 "github.com/shaledb/shale/proto/shale/node/v1"
	"github.com/shaledb/shale/proto/shale/node/v1/nodev1connect"
	"github.com/shaledb/shale/shard/routing"
)

// SnapshotHeader announces the file of a raft snapshot.
type SnapshotHeader struct {
	Group   routing.ShardID
	To      routing.ReplicaID
	From    routing.NodeID
	Message []byte // the marshalled raftpb.Message that the file belongs to
	Size    int64
}

const (
	snapshotChunk    = 256 << 10
	snapshotTries    = 5
	snapshotTryPause = 200 * time.Millisecond
)

// SendSnapshot streams the file behind r to a node, on a connection of its own, so that Raft's
// messages do not queue behind it; with a checksum on each chunk and one over all. After a
// lost connection it goes on where the receiver stands. It returns when the receiver has all
// of it on disk, or will not.
func (p *Peers[M]) SendSnapshot(ctx context.Context, to routing.NodeID, h SnapshotHeader, r io.ReaderAt) error {
	address := p.address(to)
	if address == "" {
		return &routing.UnavailableError{Why: fmt.Sprintf("the address of node %d is not known", to)}
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	defer context.AfterFunc(p.ctx, cancel)()
	sum, err := fileSum(ctx, r, h.Size)
	if err != nil {
		return fmt.Errorf("read the snapshot of shard %d: %w", h.Group, err)
	}
	transport := newTransport(&p.cfg)
	defer transport.CloseIdleConnections()
	s := &snapshotSender{
		client: nodev1connect.NewPeerServiceClient(&http.Client{Transport: transport}, "http://"+address, clientOptions()...),
		header: &nodev1.SnapshotHeader{ClusterId: p.cfg.ClusterID, Group: uint64(h.Group), ToReplica: uint64(h.To),
			From: uint64(h.From), Message: h.Message, Size: h.Size, Sum: sum},
		r: r, rate: p.cfg.SnapshotRate,
	}
	for try := 1; ; try++ {
		err = s.try(ctx)
		if err == nil || try == snapshotTries || ctx.Err() != nil || !lost(err) {
			return err
		}
		select {
		case <-time.After(snapshotTryPause):
		case <-ctx.Done():
			return err
		}
	}
}

// lost says whether a try may be followed by another one: the connection ended it, whatever
// word connect has for that, or the receiver asks for it. What the receiver refuses, or what
// cannot be read here, stays so.
func lost(err error) bool {
	var ce *connect.Error
	if !errors.As(err, &ce) {
		return false
	}
	return !connect.IsWireError(err) || ce.Code() == connect.CodeUnavailable || ce.Code() == connect.CodeDataLoss
}

type snapshotSender struct {
	client nodev1connect.PeerServiceClient
	header *nodev1.SnapshotHeader
	r      io.ReaderAt
	rate   int // bytes a second
}

// try sends what the receiver does not have yet.
func (s *snapshotSender) try(ctx context.Context) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	at, err := s.client.SnapshotOffset(ctx, &nodev1.SnapshotOffsetRequest{Header: s.header})
	if err != nil {
		return err
	}
	stream, err := s.client.Snapshot(ctx)
	if err != nil {
		return err
	}
	size, offset := s.header.GetSize(), at.GetOffset()
	if offset < 0 || offset > size {
		return fmt.Errorf("the receiver stands at offset %d of %d", offset, size)
	}
	chunk := &nodev1.SnapshotChunk{Header: s.header, Offset: offset}
	buf := make([]byte, snapshotChunk)
	for began, sent := time.Now(), int64(0); ; {
		n, err := s.r.ReadAt(buf[:min(int64(len(buf)), size-offset)], offset)
		if err != nil && !errors.Is(err, io.EOF) {
			return fmt.Errorf("read the snapshot at offset %d: %w", offset, err)
		}
		if n == 0 && offset < size {
			return fmt.Errorf("the snapshot ends at offset %d instead of %d", offset, size)
		}
		chunk.Offset, chunk.Data, chunk.Sum = offset, buf[:n], crc32.Checksum(buf[:n], castagnoli())
		if err := stream.Send(chunk); err != nil {
			break // CloseAndReceive says why
		}
		chunk = &nodev1.SnapshotChunk{}
		offset += int64(n)
		sent += int64(n)
		if offset == size {
			break
		}
		if err := pace(ctx, began, sent, s.rate); err != nil {
			return err
		}
	}
	res, err := stream.CloseAndReceive()
	if err == nil && res.GetReceived() != size {
		err = fmt.Errorf("the receiver has %d of %d bytes", res.GetReceived(), size)
	}
	return err
}

// pace waits until sending so much since began is within the rate.
func pace(ctx context.Context, began time.Time, sent int64, rate int) error {
	ahead := time.Duration(float64(sent)/float64(rate)*float64(time.Second)) - time.Since(began)
	if ahead <= time.Millisecond {
		return ctx.Err()
	}
	select {
	case <-time.After(ahead):
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func castagnoli() *crc32.Table { return crc32.MakeTable(crc32.Castagnoli) }

// fileSum is the checksum of the whole file.
func fileSum(ctx context.Context, r io.ReaderAt, size int64) (uint32, error) {
	h := crc32.New(castagnoli())
	src := io.NewSectionReader(r, 0, size)
	for {
		n, err := io.CopyN(h, src, 4<<20)
		switch {
		case errors.Is(err, io.EOF):
			if at, _ := src.Seek(0, io.SeekCurrent); at != size {
				return 0, io.ErrUnexpectedEOF
			}
			return h.Sum32(), nil
		case err != nil:
			return 0, err
		case n == 0 || ctx.Err() != nil:
			return h.Sum32(), ctx.Err()
		}
	}
}
