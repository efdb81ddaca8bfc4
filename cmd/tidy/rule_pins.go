package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"golang.org/x/mod/modfile"
)

// The driver and the C library that it was translated with: they fit only each other.
const (
	driverPath  = "modernc.org/sqlite"
	libraryPath = "modernc.org/libc"
)

// checkPins wants the library that the driver asks for, exactly: a newer one breaks it.
// A tree that has neither has nothing to pin.
func checkPins(t *Tree) []Problem {
	i := indexOf(t.Text, "go.mod")
	if i < 0 {
		return nil
	}
	mod, err := modfile.Parse("go.mod", t.Text[i].Source, nil)
	if err != nil {
		return []Problem{{Path: "go.mod", Line: 1, What: err.Error()}}
	}
	driver, library := requirement(mod, driverPath), requirement(mod, libraryPath)
	if driver == nil {
		return nil
	}
	wanted, err := wantedLibrary(t, driver.Mod.Version)
	if err != nil {
		return []Problem{{Path: "go.mod", Line: driver.Syntax.Start.Line, What: err.Error()}}
	}
	if library == nil || library.Mod.Version != wanted {
		return []Problem{{Path: "go.mod", Line: driver.Syntax.Start.Line, What: fmt.Sprintf(
			"%s %s asks for %s %s, exactly", driverPath, driver.Mod.Version, libraryPath, wanted)}}
	}
	return nil
}

// wantedLibrary reads the driver's own go.mod: from the tree (a bad example brings it
// along), else from the module cache.
func wantedLibrary(t *Tree, version string) (string, error) {
	var text []byte
	if i := indexOf(t.Text, "cache/"+driverPath+"@"+version+".mod"); i >= 0 {
		text = t.Text[i].Source
	} else {
		out, err := exec.Command("go", "env", "GOMODCACHE").Output()
		if err != nil {
			return "", fmt.Errorf("go env GOMODCACHE: %w", err)
		}
		text, err = os.ReadFile(filepath.Join(strings.TrimSpace(string(out)),
			"cache", "download", driverPath, "@v", version+".mod"))
		if err != nil {
			return "", err
		}
	}
	mod, err := modfile.Parse("driver.mod", text, nil)
	if err != nil {
		return "", err
	}
	r := requirement(mod, libraryPath)
	if r == nil {
		return "", fmt.Errorf("%s %s does not ask for %s", driverPath, version, libraryPath)
	}
	return r.Mod.Version, nil
}

func requirement(mod *modfile.File, path string) *modfile.Require {
	for _, r := range mod.Require {
		if r.Mod.Path == path {
			return r
		}
	}
	return nil
}

func indexOf(files []*File, path string) int {
	for i, f := range files {
		if f.Path == path {
			return i
		}
	}
	return -1
}
