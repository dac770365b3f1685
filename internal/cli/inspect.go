package cli

import (
	"fmt"

	"github.com/stagegate/stagegate/internal/change"
	"github.com/stagegate/stagegate/internal/change/terraform"
	"github.com/stagegate/stagegate/internal/change/terraform/inspect"
	"github.com/stagegate/stagegate/internal/change/tree"
	"github.com/stagegate/stagegate/internal/config"
)

// inspectors look at what a check cannot render.
func (o *checkOptions) inspectors(env *config.Environment) map[change.Kind]change.Inspector {
	return map[change.Kind]change.Inspector{change.Terraform: inspect.Inspector(env, terraformFiles)}
}

func terraformFiles(part change.Part) ([]tree.File, error) {
	p, ok := part.(*terraform.Part)
	if !ok {
		return nil, fmt.Errorf("%s is no Terraform configuration", part.Name())
	}
	return p.Config().Files, nil
}
