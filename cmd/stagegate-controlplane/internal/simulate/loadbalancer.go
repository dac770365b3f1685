package simulate

import (
	"context"
	"fmt"
	"net/netip"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/client-go/informers"
	"k8s.io/client-go/kubernetes"
	corev1listers "k8s.io/client-go/listers/core/v1"
	"k8s.io/client-go/tools/cache"
)

// loadBalancerPool is TEST-NET-3 (RFC 5737): no such address exists anywhere.
const loadBalancerPool = "203.0.113.0/24"

// loadBalancer gives every Service of type LoadBalancer, of any class, an address.
type loadBalancer struct {
	client   kubernetes.Interface
	services corev1listers.ServiceLister
	given    map[netip.Addr]string // address to Service key; used by one goroutine
}

func startLoadBalancer(ctx context.Context, client kubernetes.Interface, shared informers.SharedInformerFactory) error {
	services := shared.Core().V1().Services()
	l := &loadBalancer{client: client, services: services.Lister(), given: map[netip.Addr]string{}}
	return reconcile(ctx, services.Informer(), l.assign)
}

func (l *loadBalancer) assign(ctx context.Context, key string) error {
	namespace, name, err := cache.SplitMetaNamespaceKey(key)
	if err != nil {
		return nil
	}
	service, err := l.services.Services(namespace).Get(name)
	if err != nil || service.DeletionTimestamp != nil || service.Spec.Type != corev1.ServiceTypeLoadBalancer {
		l.release(key)
		return nil
	}
	if len(service.Status.LoadBalancer.Ingress) > 0 {
		return nil
	}
	address, err := l.free(key)
	if err != nil {
		return err
	}
	update := service.DeepCopy()
	update.Status.LoadBalancer.Ingress = []corev1.LoadBalancerIngress{{IP: address.String()}}
	_, err = l.client.CoreV1().Services(namespace).UpdateStatus(ctx, update, metav1.UpdateOptions{})
	return err
}

func (l *loadBalancer) release(key string) {
	for address, holder := range l.given {
		if holder == key {
			delete(l.given, address)
		}
	}
}

// free reserves the lowest address that no Service has; those of an earlier run of this
// process are known from the status of the Services only.
func (l *loadBalancer) free(key string) (netip.Addr, error) {
	services, err := l.services.List(labels.Everything())
	if err != nil {
		return netip.Addr{}, err
	}
	for _, service := range services {
		for _, ingress := range service.Status.LoadBalancer.Ingress {
			if address, err := netip.ParseAddr(ingress.IP); err == nil {
				l.given[address] = service.Namespace + "/" + service.Name
			}
		}
	}
	pool := netip.MustParsePrefix(loadBalancerPool)
	for address := pool.Addr().Next(); pool.Contains(address.Next()); address = address.Next() {
		if holder, taken := l.given[address]; !taken || holder == key {
			l.given[address] = key
			return address, nil
		}
	}
	return netip.Addr{}, fmt.Errorf("no address is left in %s", loadBalancerPool)
}
