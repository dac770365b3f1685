package inspect

import (
	"slices"

	"github.com/hashicorp/hcl/v2/hclsyntax"
)

// backends keep state where people expect it. The others hand it, and with it every
// secret in it, to an address that the configuration names.
var backends = []string{"local", "s3", "gcs", "azurerm", "kubernetes", "oss", "cos"}

// settings inspects a terraform block.
func (i *inspector) settings(s *scope, b *hclsyntax.Block) {
	for _, inner := range b.Body.Blocks {
		address := s.at("terraform." + written(inner))
		switch inner.Type {
		case "required_providers":
			for _, a := range sortedAttributes(inner.Body) {
				i.allowed(s, a.Name, place(a.NameRange))
			}
		case "backend":
			i.backend(s, inner, address)
		case "provider_meta":
		case "cloud":
			i.refuse(inner.DefRange(), address, "hands the run to another system", review)
		case "encryption":
			i.refuse(inner.DefRange(), address, "can run programs for its keys", review)
		default:
			i.refuse(inner.DefRange(), address, "is no setting that is known here, so what it would do cannot be told", review)
		}
	}
}

func (i *inspector) backend(s *scope, b *hclsyntax.Block, address string) {
	kind := ""
	if len(b.Labels) > 0 {
		kind = b.Labels[0]
	}
	i.storage(s, b.Body, kind, address, b)
}

// storage inspects where state is kept, or read from.
func (i *inspector) storage(s *scope, body hclsyntax.Node, kind, address string, b *hclsyntax.Block) {
	if !slices.Contains(backends, kind) {
		i.refuse(b.DefRange(), address, "keeps state in a backend of type "+quote(kind)+", which can be any address", "use one of "+list(backends)+", or have the change reviewed and check it with --trust")
	}
	i.configuration(s, body, address)
}

// allowed holds a provider, by its local name, against those that may run.
func (i *inspector) allowed(s *scope, local, used string) {
	source, where := s.module.sourceOf(local, used)
	if i.Allow.provider(source) {
		return
	}
	i.add(Finding{
		Severity: Refused, Place: where, Address: s.at("provider." + local),
		What:   "is " + source + ", and a plan runs its code; allowed are " + list(i.Allow.Providers),
		Remedy: "take it out, or add it to spec.terraform.allow.providers of the environment",
	})
}
