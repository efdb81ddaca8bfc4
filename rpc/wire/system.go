package wire

import (
	nodev1 "github.com/shaledb/shale/proto/shale/node/v1"
	"github.com/shaledb/shale/shard/routing"
)

// What the system group alone is asked.

func encodeSystemRequest(*nodev1.Call, routing.Request) bool { return false }

func decodeSystemRequest(*nodev1.Call) (routing.Request, error) { return nil, nil }

func encodeSystemResponse(*nodev1.Reply, routing.Response) bool { return false }

func decodeSystemResponse(*nodev1.Reply) (routing.Response, error) { return nil, nil }
