package mvcctest

import (
	"fmt"

	"github.com/shaledb/shale/mvcc"
)

// cmdGC: gc removes what the leader's safepoint and collected allow.
func (h *harness) cmdGC(s *script) string {
	rows, err := h.garbage()
	s.require(err)
	if !rows.Empty() {
		s.require(h.e.Apply(rows))
	}
	return fmt.Sprintf("removed %d versions, %d marks, %d records",
		len(rows.DropVersions), len(rows.DropMarks), len(rows.DropRecords))
}

func (h *harness) garbage() (mvcc.Rows, error) {
	var rows mvcc.Rows
	for _, k := range h.allKeys() {
		versions, err := h.history(k)
		if err != nil {
			return rows, err
		}
		rows.DropVersions = append(rows.DropVersions, mvcc.GarbageVersions(versions, h.leader.Safepoint)...)
		mark, ok, err := h.newestMark(k)
		if err != nil {
			return rows, err
		}
		if ok && mvcc.GarbageMark(mark, h.leader.Safepoint) {
			rows.DropMarks = append(rows.DropMarks,
				mvcc.VersionName{Key: k, CommitTS: mark.CommitTS, StartTS: mark.StartTS})
		}
		records, err := h.records(k, versions)
		if err != nil {
			return rows, err
		}
		for _, r := range records {
			if mvcc.GarbageRecord(r, h.leader.Safepoint, h.leader.Collected) {
				rows.DropRecords = append(rows.DropRecords, mvcc.RecordName{Key: k, StartTS: r.StartTS})
			}
		}
	}
	return rows, nil
}
