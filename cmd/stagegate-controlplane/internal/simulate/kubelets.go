package simulate

import (
	"bytes"
	"context"
	_ "embed"
	"errors"
	"fmt"
	"io"

	"k8s.io/apimachinery/pkg/util/yaml"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
	"k8s.io/utils/clock"
	nodestages "sigs.k8s.io/kwok/kustomize/stage/node/fast"
	"sigs.k8s.io/kwok/pkg/apis/internalversion"
	"sigs.k8s.io/kwok/pkg/apis/v1alpha1"
	"sigs.k8s.io/kwok/pkg/kwok/controllers"
)

// podStages are the lives that a pod may have, by its annotation stagegate.dev/simulate.
//
//go:embed pods.yaml
var podStages string

// startKubelets lets kwok play the stages of nodes and pods.
func startKubelets(ctx context.Context, config *rest.Config) error {
	stages, err := parseStages(nodestages.DefaultNodeInit, podStages)
	if err != nil {
		return err
	}
	client, err := kubernetes.NewForConfig(config)
	if err != nil {
		return err
	}
	kwok, err := controllers.NewController(controllers.Config{
		Clock:                     clock.RealClock{},
		TypedClient:               client,
		RESTClient:                client.RESTClient(),
		ManageAllNodes:            true,
		CIDR:                      "10.244.0.0/24",
		LocalStages:               stages,
		NodePlayStageParallelism:  nodeCount,
		PodPlayStageParallelism:   8,
		PodsOnNodeSyncParallelism: nodeCount,
		ID:                        "stagegate",
	})
	if err != nil {
		return err
	}
	return kwok.Start(ctx)
}

func parseStages(documents ...string) (map[internalversion.StageResourceRef][]*internalversion.Stage, error) {
	stages := map[internalversion.StageResourceRef][]*internalversion.Stage{}
	for _, document := range documents {
		decoder := yaml.NewYAMLOrJSONDecoder(bytes.NewReader([]byte(document)), len(document))
		for {
			var external v1alpha1.Stage
			err := decoder.Decode(&external)
			if errors.Is(err, io.EOF) {
				break
			}
			if err != nil {
				return nil, fmt.Errorf("reading stages: %w", err)
			}
			stage, err := internalversion.ConvertToInternalStage(&external)
			if err != nil {
				return nil, fmt.Errorf("reading stage %s: %w", external.Name, err)
			}
			stages[stage.Spec.ResourceRef] = append(stages[stage.Spec.ResourceRef], stage)
		}
	}
	return stages, nil
}
