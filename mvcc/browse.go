package mvcc

import (
	"iter"

	"github.com/shaledb/shale/timestamp"
)

// The bounds of one page for people who look inside, whatever they ask for: a page keeps one
// reader busy for some 50 ms at most, and clients' reads get in between two.
const (
	BrowseRows   = 5_000
	BrowseBytes  = 512 << 10
	BrowseLooked = 20_000 // rows looked at, whether they are answered or not
)

// seekAfter is how many useless versions of one key a page steps over before it seeks; a seek
// counts as so many rows.
const seekAfter = 12

// VersionsPage makes one page of what a asks for. Open yields the versions behind a name, by key
// and from new to old, of all timestamps; Covered is the span that they are taken from. What
// is answered depends on the rows and on a alone, so a page goes on wherever the last one ended.
func VersionsPage(open func(after VersionName) iter.Seq2[Version, error], a *VersionsArgs, covered Span) (VersionsResult, error) {
	b := &browse{a: a, last: a.After, limit: bounded(a.Limit, BrowseRows), bytes: bounded(a.MaxBytes, BrowseBytes),
		res: VersionsResult{Covered: covered}}
	b.above = a.After.CommitTS > a.Above && a.After.CommitTS <= a.ReadTS
	for {
		sought, err := b.walk(open(b.last))
		if err != nil {
			return VersionsResult{}, err
		}
		if !sought {
			return b.res, nil
		}
	}
}

func bounded(asked, most int) int {
	if asked <= 0 || asked > most {
		return most
	}
	return asked
}

// browse is one page of versions in the making.
type browse struct {
	a            *VersionsArgs
	limit, bytes int

	last   VersionName // the walk goes on behind it
	above  bool        // a version of last's key lies above a.Above, and its base was not met
	looked int
	size   int
	res    VersionsResult
}

// walk takes rows until the page or they are at an end, or says that it sought: then last is
// where to go on.
func (b *browse) walk(rows iter.Seq2[Version, error]) (sought bool, err error) {
	useless := 0
	for v, err := range rows {
		if err != nil {
			return false, err
		}
		if v.Key != b.last.Key {
			b.above, useless = false, 0
		}
		if b.looked >= BrowseLooked {
			b.end()
			return false, nil
		}
		wanted, next := b.judge(&v)
		if wanted && !b.take(v) {
			b.end()
			return false, nil
		}
		b.looked++
		b.last = VersionName{Key: v.Key, CommitTS: v.CommitTS, StartTS: v.StartTS}
		if next == v.CommitTS {
			useless = 0
			continue
		}
		if useless++; useless > seekAfter {
			b.looked += seekAfter
			b.last = VersionName{Key: v.Key, CommitTS: next}
			return true, nil
		}
	}
	return false, nil
}

// judge says whether a version is answered, and below which commit timestamp the next one of its
// key may be that is of use.
func (b *browse) judge(v *Version) (wanted bool, next timestamp.Timestamp) {
	a := b.a
	mine := a.StartTS == 0 || v.StartTS == a.StartTS
	switch {
	case v.CommitTS > a.ReadTS:
		return false, a.ReadTS + 1
	case v.CommitTS <= a.StartTS:
		return false, 0 // what it wrote lies above its start
	case v.CommitTS > a.Above:
		b.above = true
		return mine, v.CommitTS
	case a.Base && b.above:
		b.above = false
		return mine, 0
	}
	return false, 0
}

// take puts a version into the page unless that is full.
func (b *browse) take(v Version) bool {
	if b.a.KeysOnly {
		v.Value, v.ValueID = nil, 0
	}
	n := len(b.res.Versions)
	b.size += len(v.Key) + len(v.Value)
	if n >= b.limit || (n > 0 && b.size > b.bytes) {
		return false
	}
	b.res.Versions = append(b.res.Versions, v)
	return true
}

func (b *browse) end() { b.res.More, b.res.Resume = true, b.last }

// RecordsPage makes one page of the records in covered. Rows are all records behind a.After, those
// of other keys as well: they count as looked at.
func RecordsPage(rows iter.Seq2[Record, error], a *RecordsArgs, covered Span) (RecordsResult, error) {
	res := RecordsResult{Covered: covered}
	limit, size, looked, last := bounded(a.Limit, BrowseRows), 0, 0, a.After
	for r, err := range rows {
		if err != nil {
			return RecordsResult{}, err
		}
		wanted := covered.Contains(r.Key) && (a.StartTS == 0 || a.StartTS == r.StartTS)
		if wanted {
			size += len(r.Key)
		}
		if looked >= BrowseLooked || (wanted && (len(res.Records) >= limit || size > BrowseBytes)) {
			res.More, res.Resume = true, last
			return res, nil
		}
		if wanted {
			res.Records = append(res.Records, r)
		}
		looked++
		last = RecordName{Key: r.Key, StartTS: r.StartTS}
	}
	return res, nil
}

// LocksPage makes one page of the locks in covered, which come by key from behind a.After.
func LocksPage(locks iter.Seq[Lock], a *LocksArgs, covered Span) LocksResult {
	res := LocksResult{Covered: covered}
	limit, size := bounded(a.Limit, browseLocks), 0
	for l := range locks {
		l.Value, l.ValueID = nil, 0
		l.Secondaries = nil
		size += len(l.Key) + len(l.Primary)
		if n := len(res.Locks); n >= limit || size > BrowseBytes {
			res.More, res.Resume = true, res.Locks[n-1].Key
			return res
		}
		res.Locks = append(res.Locks, l)
	}
	return res
}

// browseLocks bounds a page of locks: it is made while the shard does nothing else.
const browseLocks = 1_000
