package main

import (
	"context"
	"fmt"
	"io"
	"math"
	"net/http"
	"slices"
	"strconv"
	"strings"
)

// metricsMax bounds what is read of a node's metrics.
const metricsMax = 8 << 20

// metrics are a node's, as it shows them: name{labels} → value. Histograms' buckets are there
// like all else.
type metrics map[string]float64

// fetchMetrics reads a node's /metrics.
func fetchMetrics(ctx context.Context, conn *connection, address string) (metrics, error) {
	raw, _, err := fetchPage(ctx, conn, address, "/metrics", metricsMax)
	if err != nil {
		return nil, err
	}
	return parseMetrics(raw), nil
}

// fetchPage reads a page of a node's, up to a bound.
func fetchPage(ctx context.Context, conn *connection, address, path string, most int64) ([]byte, http.Header, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+address+path, nil)
	if err != nil {
		return nil, nil, err
	}
	res, err := conn.http.Do(req)
	if err != nil {
		return nil, nil, err
	}
	defer res.Body.Close()
	raw, err := io.ReadAll(io.LimitReader(res.Body, most+1))
	switch {
	case err != nil:
		return nil, nil, err
	case res.StatusCode != http.StatusOK:
		return nil, nil, fmt.Errorf("%s: %s", res.Status, strings.TrimSpace(string(raw[:min(len(raw), 200)])))
	case int64(len(raw)) > most:
		return raw[:most], res.Header, &cutError{Most: most}
	}
	return raw, res.Header, nil
}

// cutError: there was more than the bound, and the rest was left out.
type cutError struct{ Most int64 }

func (e *cutError) Error() string { return fmt.Sprintf("cut after %d bytes", e.Most) }

// parseMetrics reads the text format, as far as it is needed here: lines of a name with
// labels and a value. What it cannot read it leaves out.
func parseMetrics(raw []byte) metrics {
	m := metrics{}
	for line := range strings.Lines(string(raw)) {
		line = strings.TrimSpace(line)
		if line == "" || line[0] == '#' {
			continue
		}
		end := strings.LastIndexByte(line, '}') + 1
		if end == 0 {
			end = strings.IndexByte(line, ' ')
		}
		if end < 0 {
			continue
		}
		number, _, _ := strings.Cut(strings.TrimSpace(line[end:]), " ") // a time may follow
		if v, err := strconv.ParseFloat(number, 64); err == nil {
			m[line[:end]] = v
		}
	}
	return m
}

// sum adds all series of a name whose labels contain the parts, as name="value".
func (m metrics) sum(name string, labels ...string) float64 {
	total := 0.0
	for series, v := range m {
		if of(series, name, labels) {
			total += v
		}
	}
	return total
}

func of(series, name string, labels []string) bool {
	if series != name && !strings.HasPrefix(series, name+"{") {
		return false
	}
	for _, l := range labels {
		if !strings.Contains(series, l) {
			return false
		}
	}
	return true
}

// label is the value of one of a series' labels; the values of ours have no quotes inside.
func label(series, name string) string {
	for _, before := range []string{"{", ","} {
		if _, rest, ok := strings.Cut(series, before+name+`="`); ok {
			value, _, _ := strings.Cut(rest, `"`)
			return value
		}
	}
	return ""
}

// bucket is one of a histogram's: how many were at most so large.
type bucket struct{ most, count float64 }

// histogram gathers a histogram's growth between two looks, over all series with the labels.
func histogram(before, after metrics, name string, labels ...string) []bucket {
	counts := map[float64]float64{}
	for series, v := range after {
		if !of(series, name+"_bucket", labels) {
			continue
		}
		if most, err := strconv.ParseFloat(label(series, "le"), 64); err == nil {
			counts[most] += max(v-before[series], 0)
		}
	}
	out := make([]bucket, 0, len(counts))
	for most, n := range counts {
		out = append(out, bucket{most, n})
	}
	slices.SortFunc(out, func(a, b bucket) int {
		if a.most < b.most {
			return -1
		}
		return 1
	})
	return out
}

// quantile estimates one by the buckets, linearly within the one it falls into; NaN: there
// was nothing.
func quantile(q float64, buckets []bucket) float64 {
	if len(buckets) == 0 || buckets[len(buckets)-1].count == 0 {
		return math.NaN()
	}
	rank := q * buckets[len(buckets)-1].count
	low, below := 0.0, 0.0
	for _, b := range buckets {
		if b.count >= rank && b.count > below {
			if math.IsInf(b.most, 1) {
				return low
			}
			return low + (b.most-low)*(rank-below)/(b.count-below)
		}
		low, below = b.most, b.count
	}
	return low
}
