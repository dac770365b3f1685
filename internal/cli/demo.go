package cli

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"

	"github.com/spf13/cobra"

	"github.com/stagegate/stagegate/environments"
	"github.com/stagegate/stagegate/internal/exitcode"
	"github.com/stagegate/stagegate/testdata"
)

// demo replays the incident on two clusters of its own: each act is a command as a user
// would type it, and the exit code it must end with.
type demo struct {
	*factory
	dir string // holds the demo's environments, changes and state
}

// act is one part of the demo.
type act struct {
	headline string
	text     string
	args     []string
	exit     int
}

func acts(provider string) []act {
	return []act{
		{
			headline: "Before the merge: what would this change cut off?",
			text: `Someone proposes Calico, "only a CNI plugin", as the post-mortem tells it. No cluster is
up yet: the change is rendered, and reachability is modelled on the manifests of the
platform. Note how long it takes.`,
			args: []string{"check", "changes/calico.yaml"}, exit: exitcode.Blocked,
		},
		{
			headline: "The same change, promoted: staging takes the blow",
			text: `Nobody read the check. The change goes to staging, where every edge that the policy
cuts is found at once; it is taken back` + takenBack(provider) + `, and production was never
touched. In the incident this took 90 minutes to notice, in production.`,
			args: []string{"promote", "changes/calico.yaml"}, exit: exitcode.Blocked,
		},
		{
			headline: "The corrected change: the same Calico, with the rules that allow what is needed",
			text: `Staging passes, the decision is signed, and the very same change goes to production,
where everything is looked at again.`,
			args: []string{"promote", "changes/calico-allowed.yaml"}, exit: exitcode.Pass,
		},
		{
			headline: "A change that staging cannot refuse, since production differs",
			text: `A policy counts on a label that someone once gave staging's ingress namespace by hand.
Staging passes. Production loses the way to payments, and is rolled back.`,
			args: []string{"promote", "changes/payments-policy.yaml"}, exit: exitcode.RolledBack,
		},
	}
}

// takenBack is what the revert of the incident's change comes to. On real nodes the packet
// filter keeps rules of a policy engine that is gone, which cut off every new pod.
func takenBack(provider string) string {
	if provider == "kind" {
		return `; the rules that
Calico's engine leaves in the node still cut off new pods, so staging is made anew`
	}
	return ", the baseline is back"
}

func newDemo(f *factory) *cobra.Command {
	var kind string
	cmd := &cobra.Command{
		Use:   "demo",
		Short: "Replay the incident on two local clusters",
		Long: `Brings up a staging and a production cluster with an ingress controller and shops in
several namespaces, and plays the incident that stagegate is made to prevent: Calico,
installed straight on a running platform. Everything is taken down at the end.`,
		Example: "  stagegate demo\n  stagegate demo --provider kind",
		Args:    args(cobra.NoArgs),
		RunE: func(cmd *cobra.Command, _ []string) error {
			if kind != "embedded" && kind != "kind" {
				return usagef("--provider %s: use embedded or kind", kind)
			}
			return f.demo(cmd.Context(), kind)
		},
	}
	cmd.Flags().StringVar(&kind, "provider", "embedded", "where the clusters come from: embedded (no Docker, pods simulated) or kind")
	return cmd
}

func (f *factory) demo(ctx context.Context, provider string) (err error) {
	dir, err := os.MkdirTemp("", "stagegate-demo-")
	if err != nil {
		return fmt.Errorf("making a directory for the demo: %w", err)
	}
	d := &demo{factory: f, dir: dir}
	defer func() { err = errors.Join(err, d.takeDown(context.WithoutCancel(ctx)), os.RemoveAll(dir)) }()
	if err := d.unpack(provider); err != nil {
		return err
	}
	for i, a := range acts(provider) {
		if i == 1 {
			if err := d.bringUp(ctx); err != nil {
				return err
			}
		}
		if err := d.play(ctx, i, a); err != nil {
			return err
		}
	}
	d.print(`
Done: one change found out before it was merged, one blocked on staging, one promoted, one
rolled back. On your own clusters:

  stagegate reach --cluster-name NAME      what can be reached now
  stagegate check ./your-change --live     what your change would cut off (read only)
  stagegate promote ./your-change          staging first, production only on a pass

The files of this demo are environments/ and testdata/changes/ in the source.`)
	return nil
}

// unpack writes the demo's environments and changes.
func (d *demo) unpack(provider string) error {
	if err := os.CopyFS(filepath.Join(d.dir, "environments"), environments.Files); err != nil {
		return fmt.Errorf("unpacking the demo: %w", err)
	}
	changes, err := fs.Sub(testdata.Changes, "changes")
	if err != nil {
		return err
	}
	if err := os.CopyFS(filepath.Join(d.dir, "changes"), changes); err != nil {
		return fmt.Errorf("unpacking the demo: %w", err)
	}
	return d.useProvider(provider)
}

// useProvider rewrites the environments for another provider of clusters than theirs. The
// clusters get names of their own, since kind's are known by name to the whole machine.
func (d *demo) useProvider(provider string) error {
	for _, name := range []string{"staging", "production"} {
		file := filepath.Join(d.dir, "environments", name+".yaml")
		content, err := os.ReadFile(file)
		if err != nil {
			return err
		}
		text := strings.Replace(string(content), "embedded: {}", provider+": {}", 1)
		text = strings.Replace(text, "clusterName: "+name, "clusterName: demo-"+name, 1)
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil { //nolint:gosec // a file of the demo's own directory
			return err
		}
	}
	return nil
}

// bringUp starts both clusters side by side.
func (d *demo) bringUp(ctx context.Context) error {
	d.print("\nBringing up two clusters, staging and production, each with the platform on it …\n")
	envs, err := d.inside().loadEnvironments()
	if err != nil {
		return err
	}
	runner, err := d.inside().runner(envs)
	if err != nil {
		return err
	}
	defer runner.Progress.Close()
	errs := make([]error, len(envs))
	var all sync.WaitGroup
	for i, env := range envs {
		all.Go(func() {
			step := runner.Progress.Step(env.Name + ": cluster")
			up, err := runner.EnsureCluster(ctx, env, true, step.Update)
			if err != nil {
				step.Fail(err)
				errs[i] = err
				return
			}
			step.Done("Kubernetes " + up.Version)
		})
	}
	all.Wait()
	return errors.Join(errs...)
}

// play runs an act and holds that it ends as announced.
func (d *demo) play(ctx context.Context, i int, a act) error {
	d.print(fmt.Sprintf("\n━━━ %d. %s\n\n%s\n\n$ stagegate %s\n", i+1, a.headline, a.text, strings.Join(a.args, " ")))
	root := newRoot(d.inside())
	root.SetArgs(append([]string{"--environments", filepath.Join(d.dir, "environments")}, d.inDir(a.args)...))
	err := root.ExecuteContext(ctx)
	code, show := exitCode(ctx, err)
	if show != nil {
		return show
	}
	d.print(fmt.Sprintf("(exit %d)\n", code))
	if code != a.exit {
		return fmt.Errorf("act %d of the demo ended with exit %d, and should have with %d", i+1, code, a.exit)
	}
	return nil
}

// inDir puts the demo's directory before the paths of its changes.
func (d *demo) inDir(args []string) []string {
	out := make([]string, len(args))
	for i, a := range args {
		if out[i] = a; strings.HasPrefix(a, "changes/") {
			out[i] = filepath.Join(d.dir, a)
		}
	}
	return out
}

// inside is a factory for commands that work within the demo's directory.
func (d *demo) inside() *factory {
	return &factory{
		streams: d.streams, quiet: d.quiet, verbose: d.verbose, output: "text", yes: true,
		environments: filepath.Join(d.dir, "environments"),
		home:         func() (string, error) { return filepath.Join(d.dir, "state"), nil },
	}
}

// takeDown destroys the demo's clusters.
func (d *demo) takeDown(ctx context.Context) error {
	inside := d.inside()
	envs, err := inside.loadEnvironments()
	if err != nil {
		return err
	}
	inside.streams.Out = d.streams.Err
	var errs []error
	for _, env := range envs {
		errs = append(errs, inside.envDown(ctx, env))
	}
	return errors.Join(errs...)
}

func (d *demo) print(text string) { fmt.Fprintln(d.streams.Out, text) }
