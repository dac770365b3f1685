package terraform

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/stagegate/stagegate/internal/change/tree"
)

// What an init would read makes a difference, and nothing else does.
func TestAsksFor(t *testing.T) {
	const base = `
terraform {
  required_version = ">= 1.5"
}
resource "aws_vpc" "a" { x = 1 }
module "m" {
  source = "./m"
  size   = 1
}
`
	for what, test := range map[string]struct {
		name, with string
		same       bool
	}{
		"more of a provider":  {"main.tf", base + "resource \"aws_subnet\" \"b\" {}\ndata \"aws_vpc\" \"c\" {}\n", true},
		"another file":        {"other.tf", base, true},
		"an override":         {"override.tf", base, false},
		"another module":      {"m/main.tf", base, false},
		"what is no source":   {"README.md", base, false},
		"variables":           {"main.tf", base + "variable \"x\" {}\nlocals {\n  y = 1\n}\noutput \"z\" { value = 1 }\n", true},
		"another provider":    {"main.tf", base + "resource \"google_x\" \"b\" {}\n", false},
		"an alias":            {"main.tf", base + "resource \"aws_vpc\" \"b\" { provider = other.x }\n", false},
		"an argument":         {"main.tf", strings.ReplaceAll(base, "size   = 1", "size   = 2"), true},
		"a module's source":   {"main.tf", strings.ReplaceAll(base, "./m", "./n"), false},
		"a module's name":     {"main.tf", strings.ReplaceAll(base, `"m"`, `"n"`), false},
		"the Terraform block": {"main.tf", strings.ReplaceAll(base, "1.5", "1.6"), false},
		"a check with data":   {"main.tf", base + "check \"c\" {\n  data \"http\" \"x\" {}\n}\n", false},
		"a check":             {"main.tf", base + "check \"c\" {\n  assert {\n    condition = true\n  }\n}\n", true},
		"JSON":                {"main.tf.json", `{"variable": {"x": {}}}`, false},
	} {
		then := asksFor([]tree.File{{Name: "main.tf", Content: []byte(base)}})
		now := asksFor([]tree.File{{Name: test.name, Content: []byte(test.with)}})
		if same := cmp.Equal(then, now); same != test.same {
			t.Errorf("%s: the same is %v, want %v", what, same, test.same)
		}
	}
}
