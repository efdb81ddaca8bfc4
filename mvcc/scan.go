package mvcc

import "iter"

// Page makes one page of a scan from the ordered versions of its span (as View.Scan yields
// them, deletes included, backwards where a.Reverse is set). Limits, tombstones and
// direction are its matter alone, above one ordered merge: a limit counts what the client
// will see and nothing else (P15). Covered is the span that the versions were taken from.
func Page(versions iter.Seq2[Version, error], a *ScanArgs, covered Span) (ScanResult, error) {
	res := ScanResult{Covered: covered}
	size := 0
	for v, err := range versions {
		if err != nil {
			return ScanResult{}, err
		}
		if v.Op != OpPut {
			continue
		}
		if a.KeysOnly {
			v.Value, v.ValueID = nil, 0
		}
		size += len(v.Key) + len(v.Value)
		n := len(res.Versions)
		if (a.Limit > 0 && n >= a.Limit) || (a.MaxBytes > 0 && n > 0 && size > a.MaxBytes) {
			res.More, res.Resume = true, v.Key
			if a.Reverse {
				res.Resume = v.Key.Successor() // the bound is exclusive there
			}
			return res, nil
		}
		res.Versions = append(res.Versions, v)
	}
	return res, nil
}

// MergeScans merges two ordered sequences of versions, at most one per key in each, into
// one: of a key in both the newer version is yielded. Deletes are kept for the next stage.
func MergeScans(a, b iter.Seq2[Version, error], reverse bool) iter.Seq2[Version, error] {
	return func(yield func(Version, error) bool) {
		nextA, stopA := iter.Pull2(a)
		defer stopA()
		nextB, stopB := iter.Pull2(b)
		defer stopB()
		va, errA, okA := nextA()
		vb, errB, okB := nextB()
		for okA || okB {
			if errA != nil || errB != nil {
				yield(Version{}, firstError(errA, errB))
				return
			}
			takeA := okA && (!okB || va.Key == vb.Key || (va.Key < vb.Key) != reverse)
			takeB := okB && (!okA || va.Key == vb.Key || !takeA)
			v := va
			if !takeA || (takeB && vb.CommitTS > va.CommitTS) {
				v = vb
			}
			if !yield(v, nil) {
				return
			}
			if takeA {
				va, errA, okA = nextA()
			}
			if takeB {
				vb, errB, okB = nextB()
			}
		}
	}
}

func firstError(a, b error) error {
	if a != nil {
		return a
	}
	return b
}
