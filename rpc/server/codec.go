package server

import (
	"errors"
	"fmt"

	"connectrpc.com/connect"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"

	"github.com/shaledb/shale/mvcc"
)

// codec reads and writes public messages as connect's own codecs do, except that a message
// which cannot be read is no error of the transport, which would answer in words of its own:
// it comes out empty but for a note, and the interceptor refuses it with reason and detail.
type codec struct {
	name string
	json bool
}

// publicCodecs take the place of connect's own.
func publicCodecs() []connect.HandlerOption {
	return []connect.HandlerOption{
		connect.WithCodec(codec{name: "proto"}),
		connect.WithCodec(codec{"json", true}),
		connect.WithCodec(codec{"json; charset=utf-8", true}),
	}
}

// noteField is a field that no message of ours has. Who forges it is refused, like all who
// send what cannot be read.
const noteField = protowire.MaxValidNumber

// Name is the codec's name in content types.
func (c codec) Name() string { return c.name }

// Marshal writes a message.
func (c codec) Marshal(m any) ([]byte, error) { return c.MarshalAppend(nil, m) }

// MarshalAppend does so behind dst.
func (c codec) MarshalAppend(dst []byte, m any) ([]byte, error) {
	msg, ok := m.(proto.Message)
	switch {
	case !ok:
		return nil, fmt.Errorf("%T is no protobuf message", m)
	case c.json:
		return protojson.MarshalOptions{}.MarshalAppend(dst, msg)
	}
	return proto.MarshalOptions{}.MarshalAppend(dst, msg)
}

// Unmarshal reads a message, or notes in it why not.
func (c codec) Unmarshal(data []byte, m any) error {
	msg, ok := m.(proto.Message)
	if !ok {
		return fmt.Errorf("%T is no protobuf message", m)
	}
	var err error
	switch {
	case c.json && len(data) == 0:
		err = errors.New("no bytes are no JSON object: send {}")
	case c.json:
		err = protojson.UnmarshalOptions{DiscardUnknown: true}.Unmarshal(data, msg)
	default:
		err = proto.Unmarshal(data, msg)
	}
	if err != nil {
		proto.Reset(msg)
		note := protowire.AppendTag(nil, noteField, protowire.BytesType)
		msg.ProtoReflect().SetUnknown(protowire.AppendString(note, err.Error()))
	}
	return nil
}

// unreadable is the refusal of a message that a codec could not read.
func unreadable(m any) error {
	msg, ok := m.(proto.Message)
	if !ok {
		return nil
	}
	for b := msg.ProtoReflect().GetUnknown(); len(b) > 0; {
		number, kind, n := protowire.ConsumeTag(b)
		if n < 0 {
			return nil
		}
		if number == noteField && kind == protowire.BytesType {
			what, _ := protowire.ConsumeBytes(b[n:])
			return &mvcc.InvalidError{Reason: "MALFORMED", What: "the request cannot be read: " + string(what),
				Hint: "compare it with the service's .proto file, which reflection shows"}
		}
		size := protowire.ConsumeFieldValue(number, kind, b[n:])
		if size < 0 {
			return nil
		}
		b = b[n+size:]
	}
	return nil
}
