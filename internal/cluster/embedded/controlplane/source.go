package controlplane

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"runtime/debug"

	"github.com/stagegate/stagegate/internal/cluster"
)

const (
	modulePath = "github.com/stagegate/stagegate/cmd/" + program
	moduleDir  = "cmd/" + program
	remedy     = "download the release archive, which contains it, or set STAGEGATE_CONTROLPLANE to its path"
)

// findSource returns the directory of the program's module: in the checkout that this
// program was built from, around the executable or around the working directory, and
// from the module proxy where this program was installed as a released version.
func findSource(ctx context.Context, progress cluster.Progress) (string, error) {
	var starts []string
	if _, file, _, ok := runtime.Caller(0); ok {
		starts = append(starts, filepath.Dir(file))
	}
	if self, err := os.Executable(); err == nil {
		starts = append(starts, filepath.Dir(self))
	}
	if cwd, err := os.Getwd(); err == nil {
		starts = append(starts, cwd)
	}
	for _, start := range starts {
		if dir, ok := upwards(start); ok {
			return dir, nil
		}
	}
	info, ok := debug.ReadBuildInfo()
	if !ok || info.Main.Version == "" || info.Main.Version == "(devel)" {
		return "", fmt.Errorf("%w, nor its source: %s", ErrNotFound, remedy)
	}
	return download(ctx, info.Main.Version, progress)
}

// upwards looks for the module in dir and the directories above it.
func upwards(dir string) (string, bool) {
	for {
		candidate := filepath.Join(dir, moduleDir)
		data, err := os.ReadFile(filepath.Join(candidate, "go.mod"))
		if err == nil && bytes.HasPrefix(data, []byte("module "+modulePath+"\n")) {
			return candidate, true
		}
		parent := filepath.Dir(dir)
		if parent == dir {
			return "", false
		}
		dir = parent
	}
}

// download gets the module's source by version. It is then built in its own directory:
// "go install" refuses modules with replace directives, which Kubernetes requires.
func download(ctx context.Context, version string, progress cluster.Progress) (string, error) {
	progress("downloading the source of %s %s", program, version)
	command := exec.CommandContext(ctx, "go", "mod", "download", "-json", modulePath+"@"+version)
	output, err := command.Output()
	var module struct{ Dir, Error string }
	if jsonErr := json.Unmarshal(output, &module); jsonErr == nil && module.Error != "" {
		err = fmt.Errorf("%s", module.Error)
	}
	if err != nil || module.Dir == "" {
		return "", fmt.Errorf("%w; downloading its source failed (%w): %s", ErrNotFound, err, remedy)
	}
	return module.Dir, nil
}
