package cli

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"runtime"

	"github.com/stagegate/stagegate/internal/cluster"
	"github.com/stagegate/stagegate/internal/config"
	"github.com/stagegate/stagegate/internal/pipeline"
	"github.com/stagegate/stagegate/internal/probe/image"
	"github.com/stagegate/stagegate/internal/reach"
	"github.com/stagegate/stagegate/internal/reach/live"
)

// The environment variables that name the probe, where what is found is not what is wanted.
const (
	probeImageVariable   = "STAGEGATE_PROBE_IMAGE" // a reference that the nodes have or can pull
	probeProgramVariable = "STAGEGATE_PROBE"       // the path of stagegate-probe, to make an image of
)

// prober is that of a pipeline, which probes until two rounds agree.
func (f *factory) prober(ctx context.Context, r *pipeline.Runner, runID string, env *config.Environment, up *cluster.Cluster, checks config.Checks) (pipeline.Prober, error) {
	return f.proberOf(ctx, r, runID, env, up, checks, 1)
}

// proberOf finds outcomes in the way that the environment asks for: packets where it wants
// the grade live, in as many rounds as must agree, else the model.
func (f *factory) proberOf(ctx context.Context, r *pipeline.Runner, runID string, env *config.Environment, up *cluster.Cluster, checks config.Checks, rounds int) (pipeline.Prober, error) {
	if env.Gate.MinimumGrade != reach.Live || up.Best != reach.Live {
		return &pipeline.Modelled{Config: up.REST, Checks: checks}, nil
	}
	reference, err := f.probeImage(ctx, r, env)
	if err != nil {
		return nil, err
	}
	prober, err := live.New(ctx, up.REST, live.Options{
		Image: reference, RunID: runID, Checks: checks.Checks, Progress: r.Progress.Note,
		Rounds: rounds, Ephemeral: env.Probes.Ephemeral,
	})
	if err != nil {
		return nil, err
	}
	return &pipeline.Live{Config: up.REST, Checks: checks, Prober: prober, Image: reference}, nil
}

// probeImage is the image of the probe: named by the user, made of the local program where
// the provider can carry it into its nodes, or the released one.
func (f *factory) probeImage(ctx context.Context, r *pipeline.Runner, env *config.Environment) (string, error) {
	if reference := os.Getenv(probeImageVariable); reference != "" {
		return reference, nil
	}
	provider, err := r.Provider(env)
	if err != nil {
		return "", err
	}
	loader, ok := provider.(cluster.ArchiveLoader)
	if !ok {
		return releasedProbe(version())
	}
	program, err := probeProgram()
	if err != nil { // such as after go install, and on other systems than Linux
		reference, unreleased := releasedProbe(version())
		if unreleased != nil {
			return "", errors.Join(err, unreleased)
		}
		return reference, nil
	}
	built, err := image.Build(program)
	if err != nil {
		return "", err
	}
	if err := loader.LoadArchive(ctx, env.ClusterName, built.Reference, built.Archive, r.Progress.Note); err != nil {
		return "", fmt.Errorf("carrying the probe image into %s: %w", env.ClusterName, err)
	}
	return built.Reference, nil
}

var release = regexp.MustCompile(`^v\d+\.\d+\.\d+(-(alpha|beta|rc)\.?\d*)?$`)

// releasedProbe is the image that was released with a version. Others have none, which
// their clusters' nodes would find out only after minutes.
func releasedProbe(version string) (string, error) {
	if !release.MatchString(version) {
		return "", fmt.Errorf("stagegate %s was not released, so no registry has its probe image: set %s to an image that the nodes have or can pull",
			version, probeImageVariable)
	}
	return image.Repository + ":" + version, nil
}

func probeProgram() (string, error) {
	if path := os.Getenv(probeProgramVariable); path != "" {
		return path, nil
	}
	executable, err := os.Executable()
	if err != nil {
		return "", fmt.Errorf("looking for stagegate-probe: %w", err)
	}
	return image.Locate(runtime.GOARCH, filepath.Dir(executable))
}
