//go:build unix

package node

import (
	"math"

	"golang.org/x/sys/unix"
)

// diskFree is the bytes that a process may still write where dir lies; NaN: not known.
func diskFree(dir string) float64 {
	var st unix.Statfs_t
	if err := unix.Statfs(dir, &st); err != nil {
		return math.NaN()
	}
	return float64(st.Bavail) * float64(st.Bsize)
}
