package cli

import (
	"context"
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/stagegate/stagegate/internal/change"
)

// changeFlags are how a change is named on the command line.
type changeFlags struct {
	source change.Source
	kind   string
}

func (c *changeFlags) add(cmd *cobra.Command) {
	flags := cmd.Flags()
	flags.StringVar(&c.kind, "kind", "", "kind of change, where it cannot be told from the path: manifest, kustomize, helm, terraform, bundle")
	flags.StringVar(&c.source.Release, "release", "", "Helm release name (default: the chart's name)")
	flags.StringVarP(&c.source.Namespace, "namespace", "n", "", "namespace of the Helm release, or of manifests that name none")
	flags.StringArrayVarP(&c.source.Values, "values", "f", nil, "Helm values file (repeatable; the last one wins)")
	flags.StringArrayVar(&c.source.Set, "set", nil, "Helm value key=value (repeatable; wins over files)")
	flags.StringVar(&c.source.Version, "version", "", "chart version, for oci:// and --repo")
	flags.StringVar(&c.source.Repository, "repo", "", "chart repository URL")
}

// validate joins all that is wrong with the flags.
func (c *changeFlags) validate() error {
	var errs []error
	c.source.Kind = change.Kind(c.kind)
	switch c.source.Kind {
	case "", change.Manifest, change.Kustomize, change.Helm, change.Terraform, change.Bundle:
	default:
		errs = append(errs, fmt.Errorf("--kind %s: use manifest, kustomize, helm, terraform or bundle", c.kind))
	}
	if c.source.Repository != "" && c.source.Kind != "" && c.source.Kind != change.Helm {
		errs = append(errs, fmt.Errorf("--repo is for Helm charts, not for kind %s", c.kind))
	}
	if err := errors.Join(errs...); err != nil {
		return usageError{err}
	}
	return nil
}

func (c *changeFlags) load(ctx context.Context, path string, loaders change.Loaders) (*change.Change, error) {
	return change.Load(ctx, c.at(path), loaders)
}

// at is the source at a path, as the flags describe it.
func (c *changeFlags) at(path string) change.Source {
	source := c.source
	source.Path = path
	return source
}
