import { spawnSync } from 'node:child_process';

export const hasYolo = (python: string): boolean =>
  spawnSync(python, ['-c', 'import torch_pruning, onnx, ultralytics'], { stdio: 'ignore' }).status === 0;

/** A module with `yolo()`: ultralytics' YOLOv8n from its own yaml, without any download, with statistics as after training. */
export const YOLO = `
import torch
from torch import nn
from ultralytics.nn.tasks import DetectionModel


def yolo():
    torch.manual_seed(3)
    model = DetectionModel("yolov8n.yaml", nc=4, verbose=False)
    for module in model.modules():
        if isinstance(module, nn.BatchNorm2d):
            nn.init.uniform_(module.weight, 0.5, 1.5)
            nn.init.normal_(module.bias)
            module.running_mean.normal_()
            module.running_var.uniform_(0.5, 2)
    return model.eval()
`;
