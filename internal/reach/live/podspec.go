package live

import (
	"fmt"
	"maps"

	coordination "k8s.io/api/coordination/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/intstr"

	"github.com/stagegate/stagegate/internal/probe"
	"github.com/stagegate/stagegate/internal/probe/image"
	"github.com/stagegate/stagegate/internal/reach"
)

const (
	container = "probe"
	// controlPort is asked by the kubelet alone. Pods on the host's network do not listen.
	controlPort = 39898
	// neverReady is a condition that nothing ever sets.
	neverReady = "stagegate.dev/never-ready"
)

// podLike is the probe pod that stands in for a pod on a node. It satisfies the Pod
// Security Standard "restricted", unless the original is on the host's network.
func (p *Prober) podLike(original *corev1.Pod, node string, owner *coordination.Lease) *corev1.Pod {
	labels := identityLabels(original.Labels)
	if labels == nil {
		labels = map[string]string{}
	}
	maps.Copy(labels, map[string]string{reach.ProbeLabel: p.options.RunID})
	return &corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{
			GenerateName: "stagegate-probe-",
			Namespace:    original.Namespace,
			Labels:       labels,
			OwnerReferences: []metav1.OwnerReference{
				*metav1.NewControllerRef(owner, coordination.SchemeGroupVersion.WithKind("Lease")),
			},
		},
		Spec: corev1.PodSpec{
			NodeName:                      node,
			ServiceAccountName:            original.Spec.ServiceAccountName,
			AutomountServiceAccountToken:  new(false),
			HostNetwork:                   original.Spec.HostNetwork,
			DNSPolicy:                     original.Spec.DNSPolicy,
			DNSConfig:                     original.Spec.DNSConfig,
			Tolerations:                   original.Spec.Tolerations,
			ImagePullSecrets:              original.Spec.ImagePullSecrets,
			RestartPolicy:                 corev1.RestartPolicyNever,
			TerminationGracePeriodSeconds: new(int64(0)),
			ActiveDeadlineSeconds:         new(int64(probe.Lifetime.Seconds())),
			EnableServiceLinks:            new(false),
			ReadinessGates:                []corev1.PodReadinessGate{{ConditionType: neverReady}},
			SecurityContext: &corev1.PodSecurityContext{
				RunAsNonRoot:   new(true),
				SeccompProfile: &corev1.SeccompProfile{Type: corev1.SeccompProfileTypeRuntimeDefault},
			},
			Containers: []corev1.Container{p.container(original.Spec.HostNetwork)},
		},
	}
}

func (p *Prober) container(hostNetwork bool) corev1.Container {
	c := corev1.Container{
		Name: container, Image: p.options.Image, ImagePullPolicy: corev1.PullIfNotPresent,
		Command: []string{image.Program, "serve", "0"},
		SecurityContext: &corev1.SecurityContext{
			AllowPrivilegeEscalation: new(false),
			ReadOnlyRootFilesystem:   new(true),
			RunAsNonRoot:             new(true),
			Capabilities:             &corev1.Capabilities{Drop: []corev1.Capability{"ALL"}},
		},
		Resources: corev1.ResourceRequirements{
			Requests: corev1.ResourceList{corev1.ResourceCPU: resource.MustParse("5m"), corev1.ResourceMemory: resource.MustParse("16Mi")},
			Limits:   corev1.ResourceList{corev1.ResourceCPU: resource.MustParse("1"), corev1.ResourceMemory: resource.MustParse("128Mi")},
		},
	}
	if !hostNetwork {
		c.Command[2] = fmt.Sprint(controlPort)
		c.ReadinessProbe = &corev1.Probe{
			ProbeHandler: corev1.ProbeHandler{HTTPGet: &corev1.HTTPGetAction{Path: "/", Port: intstr.FromInt32(controlPort)}},
			// It must have failed before two rounds of time-outs agree.
			PeriodSeconds: 1, TimeoutSeconds: 1, FailureThreshold: 2,
		}
	}
	return c
}
