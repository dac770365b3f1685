// Package terraform loads Terraform configurations: the root module in a directory, and
// the local modules that it calls. Nothing is run; what it would do to a cluster is known
// only once Terraform has planned it.
package terraform

import (
	"context"

	"github.com/stagegate/stagegate/internal/change"
	"github.com/stagegate/stagegate/internal/terraform"
)

// Loader loads Terraform configurations.
type Loader struct{}

var _ change.Loader = Loader{}

// Part is one Terraform configuration.
type Part struct {
	name   string
	config *terraform.Config
}

var _ change.Part = (*Part)(nil)

// Load reads the configuration in the directory of the source.
func (Loader) Load(_ context.Context, source change.Source) (change.Part, error) {
	config, err := terraform.Read(source.Path)
	if err != nil {
		return nil, err
	}
	return &Part{change.ShortName(source.Path), config}, nil
}

// Kind is change.Terraform.
func (*Part) Kind() change.Kind { return change.Terraform }

// Name is the path, shortened.
func (p *Part) Name() string { return p.name }

// Digest covers every file of the configuration, its dependency lock file and its local
// modules; not states, plans and what Terraform has downloaded.
func (p *Part) Digest() change.Digest { return p.config.Digest() }

// Config is the configuration.
func (p *Part) Config() *terraform.Config { return p.config }
