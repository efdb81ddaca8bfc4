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
