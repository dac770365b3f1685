package kind

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"

	kindcluster "sigs.k8s.io/kind/pkg/cluster"
	kindexec "sigs.k8s.io/kind/pkg/exec"
)

// engine is the command of the container engine: docker, nerdctl, finch or podman.
type engine string

// engineVariable is kind's own variable that overrides the detection.
const engineVariable = "KIND_EXPERIMENTAL_PROVIDER"

// detectEngine finds the engine as kind does: the variable first, then Docker, nerdctl
// (or finch) and Podman. kind has this detection, but does not say what it found.
func detectEngine(ctx context.Context) (engine, error) {
	switch chosen := os.Getenv(engineVariable); chosen {
	case "docker", "podman", "nerdctl", "finch", "nerdctl.lima":
		return engine(chosen), nil
	}
	for _, e := range []struct{ command, answer string }{
		{"docker", "Docker version"}, // and not Podman's stand-in for it
		{"nerdctl", "nerdctl version"},
		{"finch", "finch version"},
		{"podman", "podman version"},
	} {
		out, err := exec.CommandContext(ctx, e.command, "-v").Output()
		if err == nil && strings.HasPrefix(string(out), e.answer) {
			return engine(e.command), nil
		}
	}
	if err := ctx.Err(); err != nil {
		return "", err // nothing could be asked
	}
	return "", errors.New("no container engine for kind was found: install Docker, Podman or nerdctl and have its command in PATH, or use another provider in the environment file")
}

func (e engine) option() kindcluster.ProviderOption {
	switch e {
	case "docker":
		return kindcluster.ProviderWithDocker()
	case "podman":
		return kindcluster.ProviderWithPodman()
	}
	return kindcluster.ProviderWithNerdctl(string(e))
}

// explain adds what the engine printed to an error of kind's, which leaves it out.
func (e engine) explain(err error) error {
	var failed *kindexec.RunError
	if !errors.As(err, &failed) {
		if failed = kindexec.RunErrorForError(err); failed == nil {
			return err
		}
	}
	said := strings.TrimSpace(string(failed.Output))
	if strings.Contains(said, "Cannot connect to the") || strings.Contains(said, "permission denied while trying to connect") {
		return fmt.Errorf("%s is installed, but its service cannot be used: start it, or get the right to use it: %w: %s", e, err, lastLines(said, 3))
	}
	if said == "" {
		return err
	}
	return fmt.Errorf("%w: %s", err, lastLines(said, 8))
}

func lastLines(text string, n int) string {
	lines := strings.Split(text, "\n")
	return strings.Join(lines[max(0, len(lines)-n):], "\n")
}

// run runs the engine's own command.
func (e engine) run(ctx context.Context, args ...string) (string, error) {
	out, err := exec.CommandContext(ctx, string(e), args...).CombinedOutput()
	if err != nil {
		return "", fmt.Errorf("running %s %s: %w: %s", e, args[0], err, lastLines(strings.TrimSpace(string(out)), 3))
	}
	return string(out), nil
}

func (s *session) nodeNames() ([]string, error) {
	nodes, err := s.kind.ListNodes(s.name)
	if err != nil {
		return nil, s.engine.explain(fmt.Errorf("listing its nodes: %w", err))
	}
	names := make([]string, len(nodes))
	for i, n := range nodes {
		names[i] = n.String()
	}
	return names, nil
}

func (s *session) startNodes(ctx context.Context) error {
	names, err := s.nodeNames()
	if err != nil {
		return err
	}
	_, err = s.engine.run(ctx, append([]string{"start"}, names...)...)
	return err
}

// nodesRunning tells whether all nodes of an existing cluster run.
func (s *session) nodesRunning(ctx context.Context) (bool, error) {
	names, err := s.nodeNames()
	if err != nil {
		return false, err
	}
	args := append([]string{"inspect", "--format", "{{.State.Running}}"}, names...)
	out, err := s.engine.run(ctx, args...)
	if err != nil {
		return false, err
	}
	return len(names) > 0 && !strings.Contains(out, "false"), nil
}
