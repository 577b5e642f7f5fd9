"""Other names of the fields: in Transformers, Optuna and scikit-learn, and abbreviations."""

from __future__ import annotations

OTHER_NAMES = {
    "training.learning_rate": "lr rate max_lr init_lr base_lr step_size alpha",
    "training.epochs": (
        "epoch n_epochs num_epochs num_train_epochs max_epochs train_epochs nepochs ep iterations"
    ),
    "training.batch_size": (
        "bs batch batchsize train_batch_size per_device_train_batch_size minibatch mini_batch_size "
        "per_gpu_train_batch_size"
    ),
    "training.evaluation_batch_size": (
        "eval_batch_size per_device_eval_batch_size per_gpu_eval_batch_size test_batch_size "
        "eval_bs val_batch_size"
    ),
    "training.gradient_accumulation_steps": (
        "grad_accum grad_acc accumulation accumulation_steps accumulate_grad_batches "
        "gradient_accumulation grad_accum_steps"
    ),
    "training.weight_decay": "wd decay l2 l2_reg weightdecay adam_weight_decay regularization",
    "training.warmup_ratio": "warmup warmup_steps warmup_proportion num_warmup_steps warmup_share",
    "training.max_grad_norm": (
        "clip grad_clip gradient_clip_val clip_grad_norm max_norm grad_norm gradient_clipping"
    ),
    "training.label_smoothing": "smoothing label_smoothing_factor ls smooth",
    "training.focal_gamma": "focal focal_loss gamma focal_loss_gamma",
    "training.layer_decay": (
        "layer_wise_lr_decay layerwise_lr_decay layerwise_learning_rate_decay llrd lr_layer_decay "
        "layer_wise_decay"
    ),
    "training.optimizer": "optim optimiser optimizer_name",
    "training.scheduler": "lr_scheduler lr_scheduler_type schedule lr_schedule scheduler_type",
    "training.class_weights": "class_weight weights weighted balanced pos_weight sample_weight",
    "training.early_stopping_patience": "patience early_stopping early_stop es_patience",
    "training.evaluations_per_epoch": (
        "eval_steps evaluation_steps val_check_interval eval_strategy evaluation_strategy "
        "eval_interval eval_every logging_steps"
    ),
    "training.precision": "fp16 bf16 amp mixed_precision dtype torch_dtype half",
    "training.seed": "random_state random_seed rng manual_seed",
    "training.uncertain_below": "threshold confidence reject_below",
    "dataset.max_length": (
        "len length max_len maxlen max_seq_length max_seq_len seq_len seq_length sequence_length "
        "model_max_length max_tokens n_tokens truncation"
    ),
    "dataset.train_size": "max_train_samples n_train num_train train_rows train_samples",
    "dataset.validation_size": (
        "max_eval_samples val_size n_val eval_size dev_size valid_size validation_split "
        "val_split max_validation_samples"
    ),
    "dataset.test_size": "max_test_samples max_predict_samples n_test test_split",
    "dataset.path": "file filename data_path data csv data_file input data_files dataset_path",
    "dataset.files.train": "train_file train_path train_csv train_data",
    "dataset.files.validation": "validation_file val_file dev_file eval_file valid_file val_path",
    "dataset.files.test": "test_file test_path test_csv",
    "dataset.hub": "dataset_name hub_name hf repo_id hf_dataset hub_id",
    "dataset.text_column": "text sentence text_field input_column x text_col text_column_name",
    "dataset.label_column": "label target labels y label_field target_column label_col class",
    "dataset.label_names": "class_names names id2label classes target_names",
    "dataset.label_map": "label2id mapping rename_labels label_mapping labels_map",
    "dataset.pair_column": "text_pair sentence2 second_text pair",
    "dataset.group_column": "groups group group_by",
    "model.name_or_path": (
        "model_name model_name_or_path pretrained checkpoint encoder backbone "
        "pretrained_model_name_or_path model_id hf_model name"
    ),
    "model.freeze_layers": (
        "freeze frozen freeze_depth n_frozen_layers unfreeze frozen_layers num_frozen_layers"
    ),
    "model.lora_rank": "lora lora_r r rank lora_alpha peft adapter adapters",
    "model.dropout": (
        "hidden_dropout_prob attention_probs_dropout_prob hidden_dropout attention_dropout "
        "classifier_dropout seq_classif_dropout dropout_prob dropout_rate"
    ),
    "model.pooling": "pooling_mode pooling_strategy pool classifier_pooling pooler",
    "workers": "n_jobs num_workers jobs n_workers nproc processes parallel",
    "sweep.n_trials": "trials n_iter num_trials max_trials num_samples budget max_evals n_calls",
    "sweep.timeout_minutes": "timeout max_time time_limit time_budget timeout_seconds",
    "sweep.objectives": "metrics multi_objective pareto goals targets",
    "sweep.register.pick": "selection choose rule",
    "sweep.metric": "objective goal metric_for_best_model monitor score scoring",
    "sweep.direction": "greater_is_better mode minimize maximize directions",
    "sweep.params": "search_space space parameters param_grid config_space distributions",
    "sweep.study": "study_name name",
    "sweep.enqueue": "enqueue_trial initial points_to_evaluate recipes",
    "sweep.prune_audit": "audit prune_regret audit_share regret_audit",
    "sweep.portfolio": "warm_start known_good prior_settings",
    "plan.price_per_hour": "price cost hourly_price cost_per_hour hourly_rate",
    "tracking.experiment": "experiment_name project project_name",
    "tracking.uri": "tracking_uri mlflow_uri mlflow_tracking_uri",
    "storage.url": "storage db database optuna_storage rdb",
    "storage.checkpoints": "output_dir checkpoint_dir save_dir checkpoint_path",
    "storage.cache": "cache_dir",
}
"""Field → its other names, as the last part of a path."""

NO_FIELD = {
    "AdamW has its usual betas (0.9, 0.999) and epsilon (1e-8)": (
        "adam_beta1 adam_beta2 adam_epsilon betas eps momentum adam"
    ),
}
"""Explanation → names of settings that have no field."""

EXPLANATIONS = {name: text for text, names in NO_FIELD.items() for name in names.split()}


def field_by_other_name(path: str) -> str | None:
    """The field that has the path's last part as another name, preferably in the path's section;
    None if there is none."""
    section, _, last = path.lower().replace("-", "_").rpartition(".")
    matches = [field for field, names in OTHER_NAMES.items() if last in names.split()]
    siblings = [field for field in matches if field.rpartition(".")[0] == section]
    return next(iter([*siblings, *matches]), None)


def explanation(path: str) -> str | None:
    """Why a setting has no field; None for any other name."""
    return EXPLANATIONS.get(path.lower().replace("-", "_").rpartition(".")[2])
