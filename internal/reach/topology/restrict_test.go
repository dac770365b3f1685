package topology_test

import (
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/stagegate/stagegate/internal/reach/topology"
)

// What narrows a Service is taken, or named as what is not modelled.
func TestRestrictions(t *testing.T) {
	for name, test := range map[string]struct {
		annotations, spec       string
		ranges, notes, problems []string
	}{
		"source ranges":      {"", "type: LoadBalancer, loadBalancerSourceRanges: [10.0.0.1/8, ' 198.51.100.0/24']", []string{"10.0.0.0/8", "198.51.100.0/24"}, nil, nil},
		"by annotation":      {"service.beta.kubernetes.io/load-balancer-source-ranges: '10.0.0.0/8, 192.0.2.0/24'", "type: LoadBalancer", []string{"10.0.0.0/8", "192.0.2.0/24"}, nil, nil},
		"no load balancer":   {"", "type: NodePort, loadBalancerSourceRanges: [10.0.0.0/8]", nil, nil, nil},
		"no range":           {"", "type: LoadBalancer, loadBalancerSourceRanges: [ten]", nil, nil, []string{`test.yaml:1: Service shop/web: loadBalancerSourceRanges: "ten" is not a CIDR such as 10.0.0.0/8`}},
		"inner":              {"", "internalTrafficPolicy: Local", nil, []string{"test.yaml:1: Service shop/web: internalTrafficPolicy Local is not modelled: each pod is taken to reach the endpoints on all nodes"}, nil},
		"outer":              {"", "type: NodePort, externalTrafficPolicy: Local", nil, []string{"test.yaml:1: Service shop/web: externalTrafficPolicy Local is not modelled: each node is taken to lead to an endpoint"}, nil},
		"by a load balancer": {"", "type: LoadBalancer, externalTrafficPolicy: Local", nil, nil, nil},
		"external addresses": {"", "externalIPs: [192.0.2.1]", nil, []string{"test.yaml:1: Service shop/web: externalIPs are not modelled: what comes in through them is not among the edges"}, nil},
	} {
		t.Run(name, func(t *testing.T) {
			c := topology.Build(load(t, fmt.Sprintf("apiVersion: v1\nkind: Service\nmetadata: {name: web, namespace: shop, annotations: {%s}}\nspec: {%s, ports: [{port: 80}]}", test.annotations, test.spec)))
			var ranges []string
			for _, r := range c.Services[0].SourceRanges {
				ranges = append(ranges, r.String())
			}
			if d := cmp.Diff([][]string{test.ranges, test.notes, test.problems}, [][]string{ranges, c.Notes, c.Problems}); d != "" {
				t.Errorf("ranges, notes, problems (-want +got):\n%s", d)
			}
		})
	}
}
