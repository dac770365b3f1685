package calico

import (
	"errors"
	"fmt"

	"github.com/stagegate/stagegate/internal/reach/model/decode"
	"github.com/stagegate/stagegate/internal/reach/model/policy"
)

// entity is the source or destination of a rule, without its ports.
func (r *reader) entity(field string, in Entity) (policy.Expr, error) {
	if in.Services != nil {
		return policy.Any{}, checkServices(field, in)
	}
	out := policy.And{}
	var problems []error
	c := criteria{
		namespace: r.object.GetNamespace(), selector: in.Selector, not: in.NotSelector, namespaces: in.NamespaceSelector,
		fields: fields{field + ".selector", field + ".notSelector", field + ".namespaceSelector", field + ".serviceAccounts.selector"},
	}
	if a := in.ServiceAccounts; a != nil {
		c.accounts, c.accountNames = a.Selector, a.Names
	}
	if c.restrictive() {
		e, err := c.expr(r.sets)
		problems = append(problems, err)
		out = append(out, e)
	}
	if len(in.Nets) > 0 {
		e, err := nets(field+".nets", in.Nets)
		problems = append(problems, err)
		out = append(out, e)
	}
	if len(in.NotNets) > 0 {
		e, err := nets(field+".notNets", in.NotNets)
		problems = append(problems, err)
		out = append(out, policy.Not{Expr: e})
	}
	return out, errors.Join(problems...)
}

func checkServices(field string, in Entity) error {
	if in.Services.Name == "" {
		return fmt.Errorf("%s.services.name: is missing", field)
	}
	if in.Selector != "" || in.NotSelector != "" || in.NamespaceSelector != "" || in.ServiceAccounts != nil ||
		len(in.Nets) > 0 || len(in.NotNets) > 0 {
		return fmt.Errorf("%s.services: may not stand with selectors, nets or serviceAccounts", field)
	}
	return nil
}

func nets(field string, list []string) (policy.Expr, error) {
	out := policy.Or{}
	var problems []error
	for i, text := range list {
		n, err := decode.PrefixOrAddr(fmt.Sprintf("%s[%d]", field, i), text)
		problems = append(problems, err)
		out = append(out, policy.Net{Prefix: n})
	}
	return out, errors.Join(problems...)
}
