package terraform

import (
	"fmt"
	"slices"
	"strings"

	tfjson "github.com/hashicorp/terraform-json"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/yaml"

	"github.com/stagegate/stagegate/internal/change"
)

// objectOf is the Kubernetes object that a resource stands for, where its whole content
// is in the plan: kubectl_manifest, kubernetes_manifest. Nil for all others.
func objectOf(r *tfjson.ResourceChange) *unstructured.Unstructured {
	if o := objectIn(r.Type, r.Change.After); o != nil || r.Change.After != nil {
		return o
	}
	return objectIn(r.Type, r.Change.Before)
}

// objectIn is the object in a resource's values, before or after.
func objectIn(kind string, values any) *unstructured.Unstructured {
	content, _ := values.(map[string]any)
	o := &unstructured.Unstructured{}
	switch kind {
	case "kubectl_manifest":
		text, _ := content["yaml_body"].(string)
		if yaml.Unmarshal([]byte(text), &o.Object) != nil {
			return nil
		}
	case "kubernetes_manifest":
		o.Object, _ = content["manifest"].(map[string]any)
	}
	if o.GetKind() == "" || o.GetName() == "" {
		return nil
	}
	return o
}

// riskyTypes are the resources whose kind alone says what they can break, by a part of
// the name of their type.
var riskyTypes = []struct {
	name string
	risk change.Risk
}{
	{"kubernetes_network_policy", change.RiskPolicy},
	{"kubernetes_cluster_role", change.RiskRBAC},
	{"kubernetes_role", change.RiskRBAC},
	{"kubernetes_validating_webhook", change.RiskWebhook},
	{"kubernetes_mutating_webhook", change.RiskWebhook},
	{"kubernetes_api_service", change.RiskWebhook},
	{"kubernetes_storage_class", change.RiskStorage},
	{"kubernetes_persistent_volume", change.RiskStorage},
	{"aws_eks_addon", change.RiskCNI},
	{"aws_security_group", change.RiskPolicy},
	{"aws_network_acl", change.RiskPolicy},
	{"google_compute_firewall", change.RiskPolicy},
	{"azurerm_network_security", change.RiskPolicy},
	{"aws_iam_", change.RiskRBAC},
	{"google_project_iam", change.RiskRBAC},
	{"azurerm_role_assignment", change.RiskRBAC},
}

// plugins are network plug-ins, as charts of them are called.
var plugins = []string{"calico", "cilium", "tigera", "flannel", "weave", "antrea", "aws-vpc-cni", "kube-router", "multus"}

func typeRisks(r *tfjson.ResourceChange) []change.Risk {
	var risks []change.Risk
	for _, t := range riskyTypes {
		if strings.HasPrefix(r.Type, t.name) && !slices.Contains(risks, t.risk) {
			risks = append(risks, t.risk)
		}
	}
	if r.Type != "helm_release" {
		return risks
	}
	content, _ := r.Change.After.(map[string]any)
	chart, _ := content["chart"].(string)
	if slices.ContainsFunc(plugins, func(p string) bool { return strings.Contains(chart, p) }) {
		risks = append(risks, change.RiskCNI)
	}
	if content["namespace"] == "kube-system" {
		risks = append(risks, change.RiskSystem)
	}
	return risks
}

// clusterTypes are clusters and groups of nodes: with them goes everything that runs there.
var clusterTypes = []string{
	"aws_eks_cluster", "aws_eks_node_group", "aws_eks_fargate_profile", "aws_autoscaling_group",
	"google_container_cluster", "google_container_node_pool",
	"azurerm_kubernetes_cluster", "azurerm_kubernetes_cluster_node_pool",
	"digitalocean_kubernetes_cluster", "digitalocean_kubernetes_node_pool", "linode_lke_cluster",
	"oci_containerengine_cluster", "oci_containerengine_node_pool", "rancher2_cluster", "rancher2_cluster_v2",
	"scaleway_k8s_cluster", "scaleway_k8s_pool", "ovh_cloud_project_kube", "ovh_cloud_project_kube_nodepool",
	"vultr_kubernetes", "vultr_kubernetes_node_pools", "civo_kubernetes_cluster", "civo_kubernetes_node_pool",
	"alicloud_cs_kubernetes", "alicloud_cs_managed_kubernetes", "alicloud_cs_serverless_kubernetes", "alicloud_cs_edge_kubernetes",
	"alicloud_cs_kubernetes_node_pool", "ibm_container_cluster", "ibm_container_vpc_cluster", "ibm_container_worker_pool",
	"ibm_container_vpc_worker_pool",
	"kind_cluster", "k3d_cluster", "minikube_cluster", "talos_cluster",
}

// statefulTypes hold what cannot be made again, by a part of the name of their type.
var statefulTypes = []string{
	"_db_", "database", "_rds_", "_sql_", "_sql", "dynamodb", "docdb", "neptune", "elasticache", "redis", "memcache", "redshift", "bigtable", "spanner",
	"cosmosdb", "mongo", "postgres", "mysql", "opensearch", "elasticsearch", "kafka", "_msk_", "_mq_", "sqs_queue", "kinesis",
	"_volume", "_disk", "_ebs_", "_efs_", "_fsx_", "filestore", "snapshot", "_bucket", "storage_account", "storage_container", "storage_share", "_backup",
	"kms_key", "kms_crypto_key", "key_vault", "secretsmanager_secret", "secret_manager_secret", "route53_zone", "dns_managed_zone", "dns_zone", "ecr_repository",
	"kubernetes_namespace", "kubernetes_stateful_set", "persistent_volume",
}

// statefulKinds are the same for Kubernetes objects.
var statefulKinds = []string{"Namespace", "PersistentVolumeClaim", "PersistentVolume", "StatefulSet", "CustomResourceDefinition"}

// isStateful is true for what must not be destroyed to take a change back.
func isStateful(r *tfjson.ResourceChange) bool {
	if o := objectOf(r); o != nil {
		return slices.Contains(statefulKinds, o.GetKind())
	}
	return slices.Contains(clusterTypes, r.Type) ||
		slices.ContainsFunc(statefulTypes, func(part string) bool { return strings.Contains(r.Type, part) })
}

// protect refuses to delete a cluster or a node group that was not named as to be deleted.
func protect(plan *tfjson.Plan, allowed []string) []string {
	var failures []string
	for _, r := range managed(plan) {
		action := actionOf(r.Change.Actions)
		if action != change.Delete && action != change.Replace || !slices.Contains(clusterTypes, r.Type) || slices.Contains(allowed, r.Address) {
			continue
		}
		failures = append(failures, fmt.Sprintf("%s would be %sd, and with this cluster or group of nodes everything that runs there: if that is meant, name it: --allow-delete '%s'",
			address(r), action, r.Address))
	}
	return failures
}
