package config

import (
	"path"
	"strings"
)

// validateTerraformAllow finds patterns that could never match, or would match nothing as meant.
func (r read) validateTerraformAllow(p *problems) {
	base := func(name string, i int) []any { return field("spec", "terraform", "allow", name, i) }
	for i, pattern := range r.Terraform.Allow.Providers {
		parts := strings.Split(pattern, "/")
		if _, err := path.Match(pattern, ""); err != nil || len(parts) < 2 || len(parts) > 3 || strings.Contains("/"+pattern+"/", "//") {
			p.at(base("providers", i), ": %q is not a source of providers: write namespace/type or host/namespace/type, like hashicorp/aws or hashicorp/*", pattern)
		}
	}
	for i, pattern := range r.Terraform.Allow.Modules {
		_, err := path.Match(pattern, "")
		switch {
		case strings.HasPrefix(pattern, "."):
			p.at(base("modules", i), ": %q is a local module, which is read with the configuration and needs no permission: remove it", pattern)
		case err != nil || strings.Trim(pattern, "/") == "":
			p.at(base("modules", i), ": %q is not a source of modules: write one like terraform-aws-modules/* or git::https://github.com/example/*", pattern)
		}
	}
	for i, command := range r.Terraform.Allow.Commands {
		if strings.TrimSpace(command) == "" {
			p.at(base("commands", i), " is empty: name a program, like aws, or remove it")
		}
	}
}

// validateTerraformProvider finds outputs that do not lead to a cluster.
func (r read) validateTerraformProvider(p *problems) {
	t, base := r.Provider.Terraform, func(name string) []any { return field("spec", "provider", "terraform", name) }
	switch {
	case t.EndpointOutput == "":
		for _, f := range []struct {
			name string
			set  bool
		}{{"caOutput", t.CAOutput != ""}, {"tokenOutput", t.TokenOutput != ""}, {"exec", len(t.Exec) > 0}} {
			if f.set {
				p.at(base(f.name), " goes with endpointOutput, which is missing: name the output with the API's address, or leave this out")
			}
		}
	case t.KubeconfigOutput != "":
		p.at(base("endpointOutput"), " and kubeconfigOutput both say where the cluster is: keep one")
	case t.TokenOutput == "" && len(t.Exec) == 0:
		p.at(base("endpointOutput"), " needs credentials: add tokenOutput, or exec with a command that prints them, like [aws, eks, get-token, --cluster-name, \"${cluster_name}\"]")
	case t.TokenOutput != "" && len(t.Exec) > 0:
		p.at(base("exec"), " and tokenOutput both give credentials: keep one")
	}
}
