package bench

import (
	"fmt"
	"io"
	"math"
	"slices"
)

// Point is what one run of a sweep has shown.
type Point struct {
	Mode      string  `json:"mode"`
	Theta     float64 `json:"theta"`
	OpsPerSec float64 `json:"opsPerSec"`
	AbortRate float64 `json:"abortRate"`
	P50       Millis  `json:"p50Ms"`
	P99       Millis  `json:"p99Ms"`
}

// WriteSweep writes the points as a table: a line for each skew, the modes side by side.
func WriteSweep(w io.Writer, points []Point) error {
	e := &errWriter{w: w}
	modes, thetas := axes(points)
	e.printf("%-6s", "zipf")
	for _, m := range modes {
		e.printf("  %40s", m)
	}
	e.printf("\n%-6s", "")
	for range modes {
		e.printf("  %10s %9s %9s %9s", "ops/s", "aborted", "p50 ms", "p99 ms")
	}
	e.printf("\n")
	for _, theta := range thetas {
		e.printf("%-6.2f", theta)
		for _, m := range modes {
			p := at(points, m, theta)
			e.printf("  %10.0f %8.1f%% %9s %9s", p.OpsPerSec, 100*p.AbortRate, p.P50, p.P99)
		}
		e.printf("\n")
	}
	return e.err
}

// axes are the modes, as they come, and the skews in order.
func axes(points []Point) (modes []string, thetas []float64) {
	for _, p := range points {
		if !slices.Contains(modes, p.Mode) {
			modes = append(modes, p.Mode)
		}
		if !slices.Contains(thetas, p.Theta) {
			thetas = append(thetas, p.Theta)
		}
	}
	slices.Sort(thetas)
	return modes, thetas
}

func at(points []Point, mode string, theta float64) Point {
	i := slices.IndexFunc(points, func(p Point) bool { return p.Mode == mode && p.Theta == theta })
	if i < 0 {
		return Point{}
	}
	return points[i]
}

// The chart's measures, in pixels.
const (
	panelWidth, panelHeight = 420, 260
	marginLeft, marginTop   = 60, 40
	panelGap                = 90
)

// panel is one of the chart's two diagrams.
type panel struct {
	x      float64 // of its left edge
	title  string
	value  func(Point) float64
	top    float64 // the value at its upper edge
	format string
}

// WriteChart draws the points as an SVG file: throughput on the left, the share of aborted
// transactions on the right, a line for each mode.
func WriteChart(w io.Writer, title string, points []Point) error {
	e := &errWriter{w: w}
	modes, thetas := axes(points)
	most := 1.0
	for _, p := range points {
		most = max(most, p.OpsPerSec)
	}
	e.printf(`<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %d %d" font-family="sans-serif" font-size="12">`+"\n",
		2*marginLeft+2*panelWidth+panelGap, marginTop+panelHeight+80)
	e.printf(`<rect width="100%%" height="100%%" fill="white"/><text x="%d" y="20" font-size="15">%s</text>`+"\n", marginLeft, title)
	for _, p := range []panel{
		{marginLeft, "transactions a second", func(p Point) float64 { return p.OpsPerSec }, ceiling(most), "%.0f"},
		{marginLeft + panelWidth + panelGap, "aborted, percent of those begun", func(p Point) float64 { return 100 * p.AbortRate }, 100, "%.0f"},
	} {
		p.grid(e, thetas)
		for i, m := range modes {
			p.line(e, points, m, thetas, color(i))
		}
	}
	for i, m := range modes {
		x := marginLeft + 150*i
		y := marginTop + panelHeight + 60
		e.printf(`<rect x="%d" y="%d" width="14" height="4" fill="%s"/><text x="%d" y="%d">%s</text>`+"\n", x, y-5, color(i), x+20, y, m)
	}
	e.printf("</svg>\n")
	return e.err
}

func color(i int) string { return []string{"#1f77b4", "#d62728", "#2ca02c", "#9467bd"}[i%4] }

// ceiling is the next round number: 1, 2 or 5 times a power of ten.
func ceiling(v float64) float64 {
	power := math.Pow(10, math.Floor(math.Log10(v)))
	for _, f := range []float64{1, 2, 5} {
		if v <= f*power {
			return f * power
		}
	}
	return 10 * power
}

// place is where a value stands in the panel.
func (p *panel) place(thetas []float64, theta, value float64) (x, y float64) {
	span := max(thetas[len(thetas)-1]-thetas[0], 1e-9)
	x = p.x + (theta-thetas[0])/span*panelWidth
	y = marginTop + panelHeight*(1-min(value/p.top, 1))
	return x, y
}

func (p *panel) grid(e *errWriter, thetas []float64) {
	e.printf(`<text x="%.0f" y="%d">%s</text>`+"\n", p.x, marginTop-6, p.title)
	for i := range 5 {
		value := p.top * float64(i) / 4
		_, y := p.place(thetas, thetas[0], value)
		e.printf(`<path d="M%.0f %.1fh%d" stroke="#ddd"/><text x="%.0f" y="%.1f" text-anchor="end">%s</text>`+"\n",
			p.x, y, panelWidth, p.x-6, y+4, fmt.Sprintf(p.format, value))
	}
	for _, theta := range thetas {
		x, y := p.place(thetas, theta, 0)
		e.printf(`<text x="%.1f" y="%.1f" text-anchor="middle">%.1f</text>`+"\n", x, y+18, theta)
	}
	e.printf(`<text x="%.0f" y="%d" text-anchor="middle">skew (Zipf)</text>`+"\n", p.x+panelWidth/2, marginTop+panelHeight+36)
}

func (p *panel) line(e *errWriter, points []Point, mode string, thetas []float64, color string) {
	path, command := "", "M"
	for _, theta := range thetas {
		x, y := p.place(thetas, theta, p.value(at(points, mode, theta)))
		path += fmt.Sprintf("%s%.1f %.1f", command, x, y)
		command = "L"
		e.printf(`<circle cx="%.1f" cy="%.1f" r="3" fill="%s"/>`+"\n", x, y, color)
	}
	e.printf(`<path d="%s" fill="none" stroke="%s" stroke-width="2"/>`+"\n", path, color)
}
